import { TensorProto_DataType as OnnxType } from '../schema/onnx_pb.ts'

/** Bits of one element, by ONNX element type. Strings have no fixed size. */
const bits = new Map<number, number>([
  [OnnxType.FLOAT, 32],
  [OnnxType.UINT8, 8],
  [OnnxType.INT8, 8],
  [OnnxType.UINT16, 16],
  [OnnxType.INT16, 16],
  [OnnxType.INT32, 32],
  [OnnxType.INT64, 64],
  [OnnxType.BOOL, 8],
  [OnnxType.FLOAT16, 16],
  [OnnxType.DOUBLE, 64],
  [OnnxType.UINT32, 32],
  [OnnxType.UINT64, 64],
  [OnnxType.COMPLEX64, 64],
  [OnnxType.COMPLEX128, 128],
  [OnnxType.BFLOAT16, 16],
  [OnnxType.FLOAT8E4M3FN, 8],
  [OnnxType.FLOAT8E4M3FNUZ, 8],
  [OnnxType.FLOAT8E5M2, 8],
  [OnnxType.FLOAT8E5M2FNUZ, 8],
  [OnnxType.FLOAT8E8M0, 8],
  [OnnxType.UINT4, 4],
  [OnnxType.INT4, 4],
  [OnnxType.FLOAT4E2M1, 4],
  [OnnxType.UINT2, 2],
  [OnnxType.INT2, 2],
])

/** Bytes of a whole tensor; undefined for strings and unknown types. */
export function tensorByteLength(elementType: number, dims: readonly bigint[]): number | undefined {
  const width = bits.get(elementType)
  if (width === undefined) return undefined
  return Math.ceil((dims.reduce((size, dim) => size * Number(dim), 1) * width) / 8)
}
