import { platformFiles } from '../files/platform-files.ts'
import { TensorProto_DataType as OnnxType, type TensorProto, TensorProto_DataLocation } from '../schema/onnx_pb.ts'
import { externalEntry } from './external-data.ts'

/** A tensor's elements as little-endian bytes, read from its file if it is external. @throws Error for strings */
export async function readTensorBytes(tensor: TensorProto): Promise<Uint8Array> {
  const location = externalEntry(tensor, 'location')
  if (location === undefined) return embeddedBytes(tensor)
  const length = Number(externalEntry(tensor, 'length') ?? 0)
  return platformFiles().readBytes(location, Number(externalEntry(tensor, 'offset') ?? 0), length)
}

/** The elements of an int32 or int64 tensor, if they are in the message itself; undefined for every other tensor. */
export function embeddedIntegers(tensor: TensorProto): number[] | undefined {
  if (tensor.dataLocation !== TensorProto_DataLocation.DEFAULT) return undefined
  if (tensor.dataType === OnnxType.INT32) return [...new Int32Array(embeddedBytes(tensor).buffer)]
  if (tensor.dataType === OnnxType.INT64) return Array.from(new BigInt64Array(embeddedBytes(tensor).buffer), Number)
  return undefined
}

export function embeddedBytes(tensor: TensorProto): Uint8Array {
  if (tensor.rawData.length > 0) return tensor.rawData.slice()
  const view = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  if (tensor.floatData.length > 0) return view(Float32Array.from(tensor.floatData))
  if (tensor.doubleData.length > 0) return view(Float64Array.from(tensor.doubleData))
  if (tensor.int64Data.length > 0) return view(BigInt64Array.from(tensor.int64Data))
  if (tensor.uint64Data.length > 0) {
    return tensor.dataType === OnnxType.UINT32
      ? view(Uint32Array.from(tensor.uint64Data, Number))
      : view(BigUint64Array.from(tensor.uint64Data))
  }
  switch (tensor.dataType) {
    case OnnxType.INT32:
      return view(Int32Array.from(tensor.int32Data))
    case OnnxType.INT16:
    case OnnxType.UINT16:
    case OnnxType.FLOAT16:
    case OnnxType.BFLOAT16:
      return view(Uint16Array.from(tensor.int32Data))
    default:
      return Uint8Array.from(tensor.int32Data)
  }
}
