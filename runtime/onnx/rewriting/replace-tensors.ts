import type { Message } from '@bufbuild/protobuf'
import { withFields } from '../message/message.ts'
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from '../schema/onnx_pb.ts'

type Replacements = ReadonlyMap<TensorProto, TensorProto>

/** Replaces tensors in a model's graph and functions. The message is copied, not changed; parts without such tensors are shared. */
export function replaceTensors(proto: ModelProto, tensors: Replacements): ModelProto {
  if (tensors.size === 0) return proto
  return changed(proto, {
    ...(proto.graph ? { graph: inGraph(proto.graph, tensors) } : {}),
    functions: mapShared(proto.functions, fn => inFunction(fn, tensors)),
  })
}

function inFunction(fn: FunctionProto, tensors: Replacements): FunctionProto {
  return changed(fn, {
    node: mapShared(fn.node, node => inNode(node, tensors)),
    attributeProto: mapShared(fn.attributeProto, attribute => inAttribute(attribute, tensors)),
  })
}

function inGraph(graph: GraphProto, tensors: Replacements): GraphProto {
  return changed(graph, {
    node: mapShared(graph.node, node => inNode(node, tensors)),
    initializer: mapShared(graph.initializer, tensor => tensors.get(tensor) ?? tensor),
    sparseInitializer: mapShared(graph.sparseInitializer, sparse => inSparse(sparse, tensors)),
  })
}

function inNode(node: NodeProto, tensors: Replacements): NodeProto {
  return changed(node, { attribute: mapShared(node.attribute, attribute => inAttribute(attribute, tensors)) })
}

function inAttribute(attribute: AttributeProto, tensors: Replacements): AttributeProto {
  const { t, g, sparseTensor } = attribute
  return changed(attribute, {
    ...(t ? { t: tensors.get(t) ?? t } : {}),
    ...(g ? { g: inGraph(g, tensors) } : {}),
    ...(sparseTensor ? { sparseTensor: inSparse(sparseTensor, tensors) } : {}),
    tensors: mapShared(attribute.tensors, tensor => tensors.get(tensor) ?? tensor),
    graphs: mapShared(attribute.graphs, graph => inGraph(graph, tensors)),
    sparseTensors: mapShared(attribute.sparseTensors, sparse => inSparse(sparse, tensors)),
  })
}

function inSparse(sparse: SparseTensorProto, tensors: Replacements): SparseTensorProto {
  const { values, indices } = sparse
  return changed(sparse, {
    ...(values ? { values: tensors.get(values) ?? values } : {}),
    ...(indices ? { indices: tensors.get(indices) ?? indices } : {}),
  })
}

/** A copy with these fields, or the message itself if they are all equal. */
function changed<M extends Message>(message: M, fields: Partial<Omit<M, keyof Message>>): M {
  const isSame = (Object.keys(fields) as (keyof typeof fields)[]).every(key => fields[key] === message[key])
  return isSame ? message : withFields(message, fields)
}

function mapShared<T>(list: T[], change: (item: T) => T): T[] {
  const result = list.map(change)
  return result.every((item, i) => item === list[i]) ? list : result
}
