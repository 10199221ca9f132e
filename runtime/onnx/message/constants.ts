import { create } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as OnnxType,
  type SparseTensorProto,
  type TensorProto,
  TensorProtoSchema,
} from '../schema/onnx_pb.ts'
import { withFields } from './message.ts'

/** The tensor of a Constant node, named for its output; undefined for the sparse kind: see `denseNodes`. */
export function constantTensor(node: NodeProto): TensorProto | undefined {
  const name = node.output[0]
  const [attribute] = node.attribute
  const tensor = (
    dataType: OnnxType,
    dims: number[],
    data: { floatData?: number[]; int64Data?: bigint[]; stringData?: Uint8Array[] },
  ): TensorProto => create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), ...data })
  switch (attribute?.name) {
    case 'value':
      return attribute.t && withFields(attribute.t, { name })
    case 'value_float':
      return tensor(OnnxType.FLOAT, [], { floatData: [attribute.f] })
    case 'value_floats':
      return tensor(OnnxType.FLOAT, [attribute.floats.length], { floatData: attribute.floats })
    case 'value_int':
      return tensor(OnnxType.INT64, [], { int64Data: [attribute.i] })
    case 'value_ints':
      return tensor(OnnxType.INT64, [attribute.ints.length], { int64Data: attribute.ints })
    case 'value_string':
      return tensor(OnnxType.STRING, [], { stringData: [attribute.s] })
    case 'value_strings':
      return tensor(OnnxType.STRING, [attribute.strings.length], { stringData: attribute.strings })
    default:
      return undefined
  }
}

/**
 * Nodes that make a sparse tensor's dense value. onnxruntime turns a sparse Constant into an initializer, which can't be a graph's
 * output. The Identity makes an ordinary value of it.
 * @param name the dense value's
 */
export function denseNodes(name: string, sparse: SparseTensorProto): NodeProto[] {
  const constant = `${name}/sparse`
  const attribute = [{ name: 'sparse_value', type: AttributeType.SPARSE_TENSOR, sparseTensor: sparse }]
  return [
    create(NodeProtoSchema, { name: constant, opType: 'Constant', output: [constant], attribute }),
    create(NodeProtoSchema, { name, opType: 'Identity', input: [constant], output: [name] }),
  ]
}

/** The tensor of a sparse Constant node; undefined for other nodes. */
export function sparseConstant(node: NodeProto): SparseTensorProto | undefined {
  return node.attribute.find(({ name }) => name === 'sparse_value')?.sparseTensor
}
