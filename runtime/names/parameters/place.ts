import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import { isLearnedConstant } from './constants.ts'
import { type Found, findParameters } from './find.ts'
import type { Parameter } from './parameter.ts'

/** A module, as far as its parameters go. */
export interface Holder<Module> {
  readonly path: string
  readonly parent: Module | undefined
  readonly weights: Map<string, string>
  readonly parameters: Map<string, Parameter>
}

/** The tree that parameters are put into. */
export interface Places<Module> {
  readonly graph: OnnxGraph
  /** Whether its names tell modules. */
  readonly hasPaths: boolean
  get(path: string): Module | undefined
  ensure(path: readonly string[]): Module
  /** Has a module found inside itself, under a further name. */
  alias(module: Module, name: string): void
  /** The innermost module that holds a node. */
  scopeOf(index: number): Module
}

/** Two decoders that are merged into one share their weights under such names. */
const MERGED = /_merged_\d+$/

/** `model.layers.0.mlp.up_proj.weight` as the path of its module and its own name; undefined for other names. */
function pathOf<Module>(places: Places<Module>, name: string): string[] | undefined {
  const parts = name.replace(MERGED, '').split('.')
  const isPath = parts.length > 1 && parts.every(part => /^\w+$/.test(part)) && places.get(parts[0]) !== undefined
  return places.hasPaths && isPath ? parts : undefined
}

/** Gives each module its initializers, and the parameters that these stand for. */
export function placeParameters<Module extends Holder<Module>>(places: Places<Module>): void {
  const { graph } = places
  const found = findParameters(graph)
  const used = new Set(found.flatMap(({ parameter }) => parameter.stored))
  for (const name of graph.initializers.keys()) {
    if (graph.constantNodes.has(name) && !used.has(name) && !isLearnedConstant(graph, name)) continue
    placeInitializer(places, name)
  }
  for (const one of found) placeParameter(places, one)
}

/** By the parameter's own path; else in the innermost module that holds all its readers. */
function placeInitializer<Module extends Holder<Module>>(places: Places<Module>, name: string): void {
  const { graph } = places
  const readers = graph.consumers.get(name) ?? []
  // What a fused node is written out with is none of the file's.
  if (readers.length > 0 && readers.every(({ cluster }) => cluster && !cluster.fused.inputs.includes(name))) return
  const parts = pathOf(places, name)
  if (parts) {
    moduleNamed(places, parts.slice(0, -1), name).weights.set(parts[parts.length - 1], name)
    return
  }
  if (readers.length === 0) return
  const scopes = readers.map(node => places.scopeOf(node.index))
  const owners = scopes.filter(module => ownName(module, name) !== undefined)
  for (const module of owners) module.weights.set(ownName(module, name) ?? name, name)
  if (owners.length === 0) common(scopes).weights.set(name, name)
}

/** `weight` of `shared.weight` in the module `decoder.shared`: the path begins further in than the file's. */
function ownName(module: { readonly path: string }, name: string): string | undefined {
  const parts = name.replace(MERGED, '').split('.')
  const path = parts.slice(0, -1).join('.')
  return path !== '' && `.${module.path}`.endsWith(`.${path}`) ? parts.at(-1) : undefined
}

/**
 * The module at a path. onnxruntime-genai's builder adds the operator to it, `…q_proj.MatMul.weight`, and names the node `…/q_proj/MatMul`:
 * the parameter is that of `q_proj`, which is found under both.
 */
function moduleNamed<Module extends Holder<Module>>(
  places: Places<Module>,
  path: readonly string[],
  initializer: string,
): Module {
  const known = places.get(path.join('.'))
  const last = path[path.length - 1]
  const [reader] = places.graph.consumers.get(initializer) ?? []
  if (known || !reader || path.length < 2) return known ?? places.ensure(path)
  const module = places.scopeOf(reader.index)
  const isOperator = (reader.cluster?.fused.name ?? reader.name).split('/').at(-1)?.startsWith(last)
  if (module.path !== path.slice(0, -1).join('.') || !isOperator) return places.ensure(path)
  places.alias(module, last)
  return module
}

function placeParameter<Module extends Holder<Module>>(places: Places<Module>, { node, name, parameter }: Found): void {
  const own = places.scopeOf(node.index)
  const parts = pathOf(places, name)
  const isAsStored =
    parameter.form.kind === 'value' && !parameter.isTransposed && parameter.stored[0] === parameter.form.name
  if (parts) {
    const module = moduleNamed(places, parts.slice(0, -1), parameter.stored[0])
    const key = parts[parts.length - 1]
    if (!isAsStored) module.parameters.set(key, parameter)
    // A head and an embedding that are tied have one matrix, under the name of one of them.
    else if (isTied(module, own) && isMatrix(node.opType) && own.weights.size === 0) own.parameters.set(key, parameter)
    return
  }
  if (isAsStored) return
  const isNamed = /^(onnx::MatMul|val)_/.test(name)
  const short = isNamed || name === parameter.stored[0] ? 'weight' : name
  const isFree = !own.weights.has(short) && !own.parameters.has(short)
  own.parameters.set(isFree ? short : `${node.name.split('/').at(-1)}.weight`, parameter)
}

const isMatrix = (opType: string): boolean => opType === 'MatMul' || opType === 'Gemm' || opType === 'Gather'

const isTied = (module: { readonly path: string }, own: { readonly path: string }): boolean =>
  !`${own.path}.`.startsWith(`${module.path}.`) && !`${module.path}.`.startsWith(`${own.path}.`)

function common<Module extends Holder<Module>>(modules: readonly Module[]): Module {
  let shared = modules[0]
  for (const module of modules) {
    while (module.path !== shared.path && shared.path !== '' && !module.path.startsWith(`${shared.path}.`))
      shared = shared.parent!
  }
  return shared
}
