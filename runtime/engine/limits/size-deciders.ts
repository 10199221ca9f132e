import { readsShapeOnly } from '../../names/derived.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'

/** Indices of the inputs whose elements decide how large a result is, or how often a body runs. */
const DECIDING: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  Tile: [1],
  Pad: [1, 3],
  Resize: [2, 3],
  Upsample: [1],
  OneHot: [1],
  CenterCropPad: [1],
  Loop: [0, 1],
  If: [0],
  GroupQueryAttention: [6],
}

const decidersOf = new WeakMap<OnnxGraph, ReadonlySet<string>>()

/** Names of the values whose elements lead to the size of another one. Who writes there may make the model's own values of any size. */
export function sizeDeciders(graph: OnnxGraph): ReadonlySet<string> {
  const known = decidersOf.get(graph)
  if (known) return known
  const found = new Set<string>()
  const open = graph.nodes.flatMap(node => (DECIDING[node.opType] ?? []).flatMap(at => node.inputs[at] ?? []))
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === '' || found.has(name)) continue
    found.add(name)
    const node = graph.producer.get(name)?.node
    // The dims of what is written are those of its place.
    if (node && !readsShapeOnly(node)) open.push(...node.inputs, ...node.captures)
  }
  decidersOf.set(graph, found)
  return found
}
