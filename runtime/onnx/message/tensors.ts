import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from '../schema/onnx_pb.ts'

/** Every tensor of a model: initializers, parts of sparse ones, attributes; also in subgraphs, functions and training graphs. */
export function* tensorsOf(proto: ModelProto): Iterable<TensorProto> {
  if (proto.graph) yield* inGraph(proto.graph)
  for (const fn of proto.functions) {
    yield* inNodes(fn.node)
    for (const attribute of fn.attributeProto) yield* inAttribute(attribute)
  }
  for (const { initialization, algorithm } of proto.trainingInfo) {
    if (initialization) yield* inGraph(initialization)
    if (algorithm) yield* inGraph(algorithm)
  }
}

/** The tensors that become initializers of a session's main graph. */
export function* mainTensorsOf(proto: ModelProto): Iterable<TensorProto> {
  yield* proto.graph?.initializer ?? []
  for (const node of proto.graph?.node ?? []) {
    if (node.opType !== 'Constant') continue
    for (const { t } of node.attribute) if (t) yield t
  }
}

function* inGraph(graph: GraphProto): Iterable<TensorProto> {
  yield* graph.initializer
  for (const sparse of graph.sparseInitializer) yield* inSparse(sparse)
  yield* inNodes(graph.node)
}

function* inNodes(nodes: readonly NodeProto[]): Iterable<TensorProto> {
  for (const node of nodes) for (const attribute of node.attribute) yield* inAttribute(attribute)
}

function* inAttribute(attribute: AttributeProto): Iterable<TensorProto> {
  if (attribute.t) yield attribute.t
  yield* attribute.tensors
  if (attribute.sparseTensor) yield* inSparse(attribute.sparseTensor)
  for (const sparse of attribute.sparseTensors) yield* inSparse(sparse)
  if (attribute.g) yield* inGraph(attribute.g)
  for (const graph of attribute.graphs) yield* inGraph(graph)
}

function* inSparse({ values, indices }: SparseTensorProto): Iterable<TensorProto> {
  if (values) yield values
  if (indices) yield indices
}
