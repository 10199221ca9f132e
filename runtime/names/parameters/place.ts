import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import { innermostPath, partsOf } from '../innermost.ts'
import { isLearnedConstant } from './constants.ts'
import { type FoundParameter, findParameters } from './find.ts'
import type { Parameter } from './parameter.ts'

/** A module whose parameters are being found. */
export interface ParameterModule<Module> {
  readonly path: string
  readonly parent: Module | undefined
  readonly weights: Map<string, string>
  readonly parameters: Map<string, Parameter>
}

/** The module tree that parameters are put into. */
export interface ParameterTree<Module> {
  readonly graph: OnnxGraph
  /** Whether node names tell modules. */
  readonly hasPaths: boolean
  get(path: string): Module | undefined
  ensure(path: readonly string[]): Module
  /** Lets a module be found inside itself, under another name. */
  alias(module: Module, name: string): void
  /** The innermost module that holds a node. */
  scopeOf(index: number): Module
}

/** Suffix of the weights that two decoders share when they are merged into one. */
const MERGED_SUFFIX = /_merged_\d+$/

/** `model.layers.0.mlp.up_proj.weight` as the path of its module and its own name; undefined for other names. */
function pathOf<Module>(tree: ParameterTree<Module>, name: string): string[] | undefined {
  const parts = name.replace(MERGED_SUFFIX, '').split('.')
  const isPath = parts.length > 1 && parts.every(part => /^\w+$/.test(part)) && tree.get(parts[0]) !== undefined
  return tree.hasPaths && isPath ? parts : undefined
}

/** Fills in each module's initializers, and the parameters that are made of them. */
export function placeParameters<Module extends ParameterModule<Module>>(tree: ParameterTree<Module>): void {
  const { graph } = tree
  const found = findParameters(graph)
  const used = new Set(found.flatMap(({ parameter }) => parameter.stored))
  for (const name of graph.initializers.keys()) {
    if (graph.constantNodes.has(name) && !used.has(name) && !isLearnedConstant(graph, name)) continue
    placeInitializer(tree, name)
  }
  for (const parameter of found) placeParameter(tree, parameter)
}

/** Puts an initializer into the module that its name tells, or else into the innermost one that contains all its readers. */
function placeInitializer<Module extends ParameterModule<Module>>(tree: ParameterTree<Module>, name: string): void {
  const { graph } = tree
  const readers = graph.consumers.get(name) ?? []
  // Constants that the expansion of a fused node added are not in the file.
  if (readers.length > 0 && readers.every(({ cluster }) => cluster && !cluster.fused.inputs.includes(name))) return
  const parts = pathOf(tree, name)
  if (parts) {
    moduleAt(tree, parts.slice(0, -1), name).weights.set(parts[parts.length - 1], name)
    return
  }
  if (readers.length === 0) return
  const scopes = readers.map(node => tree.scopeOf(node.index))
  const owners = scopes.filter(module => ownName(module, name) !== undefined)
  for (const module of owners) module.weights.set(ownName(module, name) ?? name, name)
  if (owners.length > 0) return
  const innermost = innermostPath(scopes.map(({ path }) => partsOf(path))).join('.')
  tree.get(innermost)!.weights.set(name, name)
}

/** `weight`, for `shared.weight` read in the module `decoder.shared`: the initializer's path lacks the module's outer names. */
function ownName(module: { readonly path: string }, name: string): string | undefined {
  const parts = name.replace(MERGED_SUFFIX, '').split('.')
  const path = parts.slice(0, -1).join('.')
  return path !== '' && `.${module.path}`.endsWith(`.${path}`) ? parts.at(-1) : undefined
}

/**
 * The module at a path. onnxruntime-genai's builder appends the operator to the path, `…q_proj.MatMul.weight`, and names the node
 * `…/q_proj/MatMul`: then the parameter belongs to `q_proj`, and `q_proj.MatMul` becomes another name of it.
 */
function moduleAt<Module extends ParameterModule<Module>>(
  tree: ParameterTree<Module>,
  path: readonly string[],
  initializer: string,
): Module {
  const known = tree.get(path.join('.'))
  const last = path[path.length - 1]
  const [reader] = tree.graph.consumers.get(initializer) ?? []
  if (known || !reader || path.length < 2) return known ?? tree.ensure(path)
  const module = tree.scopeOf(reader.index)
  const isOperator = (reader.cluster?.fused.name ?? reader.name).split('/').at(-1)?.startsWith(last)
  if (module.path !== path.slice(0, -1).join('.') || !isOperator) return tree.ensure(path)
  tree.alias(module, last)
  return module
}

function placeParameter<Module extends ParameterModule<Module>>(
  tree: ParameterTree<Module>,
  { node, name, parameter }: FoundParameter,
): void {
  const own = tree.scopeOf(node.index)
  const parts = pathOf(tree, name)
  const isAsStored =
    parameter.form.kind === 'value' && !parameter.isTransposed && parameter.stored[0] === parameter.form.name
  if (parts) {
    const module = moduleAt(tree, parts.slice(0, -1), parameter.stored[0])
    const key = parts[parts.length - 1]
    if (!isAsStored) module.parameters.set(key, parameter)
    // A tied head and embedding share one matrix, which is named for one of them.
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
