import type { OnnxGraph } from '../onnx/graph/graph.ts'

/** onnxruntime's own operators on channels in blocks, which its optimiser puts in for convolutions at level `all`. */
const BLOCKED = 'com.microsoft.nchwc'

const found = new WeakMap<OnnxGraph, ReadonlySet<string>>()

/** Whether the elements of a value are in blocks of channels, and not in the order that its dims tell. */
export function isBlocked(graph: OnnxGraph, value: string): boolean {
  let blocked = found.get(graph)
  if (!blocked) {
    blocked = blockedValues(graph)
    found.set(graph, blocked)
  }
  return blocked.has(value)
}

/** What those operators make, and what others make of it element by element, up to where the order is put back. */
function blockedValues({ nodes }: OnnxGraph): ReadonlySet<string> {
  const blocked = new Set<string>()
  if (nodes.every(({ domain }) => domain !== BLOCKED)) return blocked
  for (const { domain, opType, inputs, outputs } of nodes) {
    if (opType === 'ReorderOutput' && domain === BLOCKED) continue
    if (domain === BLOCKED || inputs.some(name => blocked.has(name))) for (const name of outputs) blocked.add(name)
  }
  return blocked
}
