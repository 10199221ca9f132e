import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from './schema/onnx_pb.ts'

/** Every tensor of a model: initializers, sparse ones' parts, attributes, in subgraphs and functions too. */
export function* tensorsOf(proto: ModelProto): Iterable<TensorProto> {
  if (proto.graph) yield* inGraph(proto.graph)
  for (const fn of proto.functions) yield* inNodes(fn.node)
}

function* inGraph(graph: GraphProto): Iterable<TensorProto> {
  yield* graph.initializer
  for (const { values, indices } of graph.sparseInitializer) {
    if (values) yield values
    if (indices) yield indices
  }
  yield* inNodes(graph.node)
}

function* inNodes(nodes: readonly NodeProto[]): Iterable<TensorProto> {
  for (const node of nodes) for (const attribute of node.attribute) yield* inAttribute(attribute)
}

function* inAttribute(attribute: AttributeProto): Iterable<TensorProto> {
  if (attribute.t) yield attribute.t
  yield* attribute.tensors
  if (attribute.g) yield* inGraph(attribute.g)
  for (const graph of attribute.graphs) yield* inGraph(graph)
}
