import { create } from '@bufbuild/protobuf'
import { externalEntry } from '../../onnx/message/external-data.ts'
import { withFields } from '../../onnx/message/message.ts'
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../../onnx/schema/onnx_pb.ts'

/** The location and offset of a tensor's elements, and of its packed forms, as onnxruntime is told. */
export interface DataLocation {
  readonly location: string
  readonly offset: string | undefined
  readonly [packed: `prepacked_${number}`]: string
}

/** A copy of an initializer with another name and another location of its elements. If they are in the message, they stay there. */
export function relocate(tensor: TensorProto, name: string, place: (location: string) => DataLocation): TensorProto {
  const location = externalEntry(tensor, 'location')
  if (location === undefined) return tensor.name === name ? tensor : withFields(tensor, { name })
  const entries = { ...place(location), length: externalEntry(tensor, 'length') }
  return create(TensorProtoSchema, {
    name,
    dims: tensor.dims,
    dataType: tensor.dataType,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).flatMap(([key, value]) =>
      value === undefined ? [] : [create(StringStringEntryProtoSchema, { key, value })],
    ),
  })
}
