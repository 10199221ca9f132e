import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { constantTensor } from '../../onnx/message/constants.ts'
import { bodiesOf } from '../../onnx/message/subgraphs.ts'
import type { GraphProto, NodeProto, TensorProto } from '../../onnx/schema/onnx_pb.ts'
import { isFloat, readsWeights } from './learned.ts'

/** Operators that only bring a weight into the form that a layer takes. */
const FORMS = /^(Identity|Cast|Transpose|Reshape|Flatten|Squeeze|Unsqueeze|Slice|Split|Concat|Gather|DequantizeLinear)$/

/** Whether a layer of the main graph, or of a body, reads a value, perhaps in another form: sliced, reshaped or joined with others. */
export function feedsLayer(graph: OnnxGraph, name: string, isLayer: (node: GraphNode) => boolean): boolean {
  const seen = new Set<string>()
  const reaches = (value: string): boolean => {
    if (seen.has(value)) return false
    seen.add(value)
    return (graph.consumers.get(value) ?? []).some(
      node =>
        isLayer(node) ||
        (FORMS.test(node.opType) && node.outputs.some(reaches)) ||
        bodiesOf(node.proto).some(body => feedsLayerIn(body, value)),
    )
  }
  return reaches(name)
}

/** As `feedsLayer`, for a value that a body reads from outside, or has itself. */
function feedsLayerIn({ node: nodes }: GraphProto, name: string): boolean {
  const forms = new Set([name])
  // Nodes of a body are in running order.
  for (const node of nodes) {
    const isRead = node.input.some(input => forms.has(input))
    if (isRead && readsWeights(node.opType)) return true
    if (isRead && FORMS.test(node.opType)) for (const output of node.output) forms.add(output)
    if (bodiesOf(node).some(body => [...forms].some(form => feedsLayerIn(body, form)))) return true
  }
  return false
}

/** What a file says about a weight. */
export type StoredWeight = Pick<TensorProto, 'dataType' | 'dims'>

/** The weights that lie in a node's bodies, at any depth, by a name that no other weight of the graph has. */
export function weightsInBodies(node: GraphNode): ReadonlyMap<string, StoredWeight> {
  const found = new Map<string, StoredWeight>()
  const search = (body: GraphProto, path: string): void => {
    const constants = body.node.flatMap(inner => (inner.opType === 'Constant' ? (constantTensor(inner) ?? []) : []))
    for (const tensor of [...body.initializer, ...constants])
      if (isFloat(tensor.dataType) && tensor.dims.some(dim => dim > 1n) && feedsLayerIn(body, tensor.name))
        found.set(`${path}/${tensor.name}`, tensor)
    for (const inner of body.node) searchAll(inner, `${path}/${inner.name}`)
  }
  const searchAll = (owner: NodeProto, path: string): void => {
    for (const [i, body] of bodiesOf(owner).entries()) search(body, `${path}.${i}`)
  }
  searchAll(node.proto, node.name)
  return found
}
