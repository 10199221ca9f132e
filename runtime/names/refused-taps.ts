import { NoTapError } from '../errors/names.ts'
import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import type { ModuleNode } from './tree.ts'

/* Taps that would read another value than the module's result in PyTorch. They throw an error, which says what to read instead. */

/** The names that torch.onnx gives to weights it computed, as it does when it folds a normalisation into the convolution before it. */
const COMPUTED = /^onnx::Conv/

/** @throws NoTapError if the exporter folded the BatchNorm after this convolution into it, so that the norm's result leaves the module */
export function assertNotFolded(label: string, module: ModuleNode, maker: GraphNode | undefined): void {
  if (!maker || !module.own.includes(maker.index)) return
  const [, weight, bias] = maker.inputs
  if (!/^Conv/.test(maker.opType) || !COMPUTED.test(weight ?? '') || !COMPUTED.test(bias ?? '')) return
  throw new NoTapError(
    label,
    'the exporter folded a normalisation into this convolution, so its output is the output of the normalisation',
    `read that value as model.node('${maker.name}').output, or export with training=TrainingMode.PRESERVE`,
  )
}

/**
 * One node for each time that the module runs in a pass: those that read its first parameter. Undefined if it runs once, that is, unless
 * several nodes of one kind read each of its parameters.
 */
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

/** @throws NoTapError for a module that runs several times in a pass, as its name does not tell which call is meant */
export function assertOneCall(label: string, module: ModuleNode, graph: OnnxGraph): void {
  const calls = callsOf(module, graph)
  if (!calls) return
  throw new NoTapError(
    label,
    `the module runs ${calls.length} times in one pass, so its name is ambiguous`,
    `pick one run by its node: ${calls.map(node => `model.node('${node.name}').output`).join(', ')}`,
  )
}

/** Named parameters of a module and of those in it. Single numbers are left out, because exporters let several nodes share those. */
function* parametersOf(module: ModuleNode, graph: OnnxGraph): Iterable<string> {
  for (const name of module.weights.values()) {
    const dims = graph.initializers.get(name)?.dims ?? []
    if (name.includes('.') && dims.some(dim => dim > 1n)) yield name
  }
  for (const child of module.children.values()) yield* parametersOf(child, graph)
}
