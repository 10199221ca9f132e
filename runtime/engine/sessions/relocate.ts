import { create } from '@bufbuild/protobuf'
import { externalEntry } from '../../onnx/message/external-data.ts'
import { withFields } from '../../onnx/message/message.ts'
import {
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../../onnx/schema/onnx_pb.ts'

/** Where onnxruntime is to find a tensor's elements. */
export interface Place {
  readonly location: string
  readonly offset: string | undefined
}

/** The initializer of this name, its elements at another place. One that lies in the message stays as it is. */
export function relocate(tensor: TensorProto, name: string, place: (location: string) => Place): TensorProto {
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
