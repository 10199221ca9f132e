import { create } from '@bufbuild/protobuf'
import type { Attribute, Operation } from '../../graph/expression.ts'
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../onnx/schema/onnx_pb.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import { elementType } from '../../tensor/dtypes/element-type.ts'

const utf8 = new TextEncoder()

/** One recorded operation as an ONNX node. Its name leads from an error of onnxruntime to the user's line. */
export function emitNode(
  operation: Pick<Operation, 'opType' | 'domain' | 'attributes'>,
  name: string,
  inputs: string[],
  outputs: string[],
): NodeProto {
  return create(NodeProtoSchema, {
    name,
    opType: operation.opType,
    domain: operation.domain,
    input: inputs,
    output: outputs,
    attribute: Object.entries(operation.attributes).map(([key, value]) => emitAttribute(key, value)),
  })
}

export function emitAttribute(name: string, attribute: Attribute): AttributeProto {
  if ('int' in attribute)
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.int) })
  if ('ints' in attribute) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: attribute.ints.map(BigInt) })
  }
  if ('float' in attribute) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.float })
  return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8.encode(attribute.string) })
}

/** A small tensor as an initializer inside the message. */
export function emitTensor(name: string, { type, dims, data }: TensorData): TensorProto {
  const tensor = create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: elementType(type) })
  if (ArrayBuffer.isView(data)) tensor.rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  else tensor.stringData = data.map(text => utf8.encode(text))
  return tensor
}

/** A graph input or output. Without dims, its rank is unknown. */
export function emitValueInfo(
  name: string,
  type?: DataType,
  dims?: readonly (number | string | undefined)[],
): ValueInfoProto {
  if (!type) return create(ValueInfoProtoSchema, { name })
  const shape = dims && {
    dim: dims.map(dim => ({
      value:
        typeof dim === 'number'
          ? { case: 'dimValue' as const, value: BigInt(dim) }
          : { case: 'dimParam' as const, value: dim ?? '' },
    })),
  }
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: elementType(type), ...(shape ? { shape } : {}) } } },
  })
}
