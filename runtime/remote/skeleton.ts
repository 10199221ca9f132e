import { clone, create, toBinary } from '@bufbuild/protobuf'
import { externalEntry } from '../onnx/message/external-data.ts'
import { KEPT_BYTES } from '../onnx/message/fields-with-tensors.ts'
import { tensorByteLength } from '../onnx/message/tensor-type.ts'
import { readTensorBytes } from '../onnx/message/tensor-value.ts'
import { tensorsOf } from '../onnx/message/tensors.ts'
import { readModel } from '../onnx/reading/read.ts'
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from '../onnx/schema/onnx_pb.ts'
import { isFloat } from '../tensor/dtypes/dtype.ts'
import { dataTypeOf } from '../tensor/dtypes/element-type.ts'

/** Integers up to this size in bytes may be sizes and axes, which a scan needs. */
const SIZES_BYTES = 4096
/** Floats up to this size are numbers of the architecture: an epsilon, a scale. */
const NUMBERS_BYTES = 64

/** A model's graph without its weights: modules, types and dims follow from it. Nothing in it names the files here. */
export async function skeletonOf(path: string): Promise<Uint8Array> {
  const message = clone(ModelProtoSchema, (await readModel(path)).message)
  for (const tensor of tensorsOf(message)) await takePayload(tensor)
  return toBinary(ModelProtoSchema, message)
}

async function takePayload(tensor: TensorProto): Promise<void> {
  const type = dataTypeOf(tensor.dataType)
  const isExternal = tensor.dataLocation === TensorProto_DataLocation.EXTERNAL
  const length = tensorByteLength(tensor.dataType, tensor.dims) ?? Number(externalEntry(tensor, 'length') ?? 0)
  const isWeight = type !== undefined && isFloat(type)
  if (length <= (isWeight ? NUMBERS_BYTES : SIZES_BYTES)) {
    if (!isExternal) return
    const rawData = await readTensorBytes(tensor)
    Object.assign(tensor, { externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT, rawData })
    return
  }
  const none = {
    rawData: new Uint8Array(),
    floatData: [],
    doubleData: [],
    int32Data: [],
    int64Data: [],
    uint64Data: [],
    stringData: [],
  }
  // A scan keeps small weights in its graph, where only their dims matter.
  if (length <= KEPT_BYTES) {
    const rawData = new Uint8Array(length)
    Object.assign(tensor, { ...none, externalData: [], dataLocation: TensorProto_DataLocation.DEFAULT, rawData })
    return
  }
  const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value })
  Object.assign(tensor, {
    ...none,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [entry('location', '/on-the-server'), entry('offset', '0'), entry('length', String(length))],
  })
}
