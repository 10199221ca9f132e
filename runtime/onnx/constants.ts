import { create } from '@bufbuild/protobuf'
import { withFields } from './message.ts'
import {
  type NodeProto,
  TensorProto_DataType as OnnxType,
  type TensorProto,
  TensorProtoSchema,
} from './schema/onnx_pb.ts'

/** The tensor of a Constant node, named for its output; undefined for the sparse kind, which stays a node. */
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
