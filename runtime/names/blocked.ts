import type { OnnxGraph } from '../onnx/graph/graph.ts'

/** Domain of operators on channels in blocks, by which onnxruntime's optimiser replaces convolutions at level `all`. */
const BLOCKED = 'com.microsoft.nchwc'

const blockedValuesOf = new WeakMap<OnnxGraph, ReadonlySet<string>>()

/** Whether a value's elements are stored in blocks of channels, and so not in the order of its dims. */
export function isBlocked(graph: OnnxGraph, value: string): boolean {
  let blocked = blockedValuesOf.get(graph)
  if (!blocked) {
    blocked = blockedValues(graph)
    blockedValuesOf.set(graph, blocked)
  }
  return blocked.has(value)
}

/** The results of `BLOCKED` operators, and all values computed from them up to the ReorderOutput that restores the order. */
function blockedValues({ nodes }: OnnxGraph): ReadonlySet<string> {
  const blocked = new Set<string>()
  if (nodes.every(({ domain }) => domain !== BLOCKED)) return blocked
  for (const { domain, opType, inputs, outputs } of nodes) {
    if (opType === 'ReorderOutput' && domain === BLOCKED) continue
    if (domain === BLOCKED || inputs.some(name => blocked.has(name))) for (const name of outputs) blocked.add(name)
  }
  return blocked
}
