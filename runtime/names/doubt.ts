import { NoTapError } from '../errors/names.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import type { ModuleNode } from './tree.ts'

/* Where a graph would give a value under a module's name that is not what the module gave: refused, with what can be read instead. */

/** How torch.onnx names weights that it computed itself, as it does when it folds a normalisation into the convolution before it. */
const COMPUTED = /^onnx::Conv/

/**
 * A convolution whose weights the exporter computed: a BatchNorm after it is folded in, and what leaves is the norm's result.
 * @throws NoTapError if the value is made by such a node of the module's own
 */
export function assertNotFolded(label: string, module: ModuleNode, maker: GraphNode | undefined): void {
  if (!maker || !module.own.includes(maker.index)) return
  const [, weight, bias] = maker.inputs
  if (!/^Conv/.test(maker.opType) || !COMPUTED.test(weight ?? '') || !COMPUTED.test(bias ?? '')) return
  throw new NoTapError(
    label,
    'the exporter folded a normalisation into this convolution, so the value that leaves it is the normalisation’s',
    `read that value as model.node('${maker.name}').output, or export with training=TrainingMode.PRESERVE`,
  )
}

/** Nodes that read each parameter below a module, where all parameters are read more than once in the same way: one node for each call. */
export function callsOf(module: ModuleNode, graph: OnnxGraph): readonly GraphNode[] | undefined {
  if (module.path === '') return undefined
  const inside = new Set(module.nodes)
  let calls: readonly GraphNode[] | undefined
  for (const parameter of parametersOf(module, graph)) {
    const readers = (graph.consumers.get(parameter) ?? []).filter(node => inside.has(node.index))
    if (readers.length === 0) continue
    const [first] = readers
    const slot = first.inputs.indexOf(parameter)
    const isRepeated =
      readers.length > 1 &&
      readers.every(node => node.opType === first.opType && node.inputs.indexOf(parameter) === slot)
    if (!isRepeated) return undefined
    calls ??= readers
  }
  return calls
}

/** @throws NoTapError for a module that runs several times: its name stands for none of the calls */
export function assertOneCall(label: string, module: ModuleNode, graph: OnnxGraph): void {
  const calls = callsOf(module, graph)
  if (!calls) return
  throw new NoTapError(
    label,
    `the module runs ${calls.length} times in one pass, and its name stands for none of them`,
    `pick a call by its nodes: ${calls.map(node => `model.node('${node.name}').output`).join(', ')}`,
  )
}

/** Named parameters of a module and all below it; single numbers apart, as exporters let several nodes share those. */
function* parametersOf(module: ModuleNode, graph: OnnxGraph): Iterable<string> {
  for (const name of module.weights.values()) {
    const dims = graph.initializers.get(name)?.dims ?? []
    if (name.includes('.') && dims.some(dim => dim > 1n)) yield name
  }
  for (const child of module.children.values()) yield* parametersOf(child, graph)
}
