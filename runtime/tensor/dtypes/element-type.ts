import { TensorProto_DataType as OnnxType } from '../../onnx/schema/onnx_pb.ts'
import type { DataType } from './dtype.ts'

const types: Readonly<Record<DataType, OnnxType>> = {
  float32: OnnxType.FLOAT,
  float16: OnnxType.FLOAT16,
  bfloat16: OnnxType.BFLOAT16,
  float64: OnnxType.DOUBLE,
  int64: OnnxType.INT64,
  int32: OnnxType.INT32,
  int16: OnnxType.INT16,
  int8: OnnxType.INT8,
  uint64: OnnxType.UINT64,
  uint32: OnnxType.UINT32,
  uint16: OnnxType.UINT16,
  uint8: OnnxType.UINT8,
  bool: OnnxType.BOOL,
  string: OnnxType.STRING,
  int4: OnnxType.INT4,
  uint4: OnnxType.UINT4,
  float8e4m3fn: OnnxType.FLOAT8E4M3FN,
  float8e4m3fnuz: OnnxType.FLOAT8E4M3FNUZ,
  float8e5m2: OnnxType.FLOAT8E5M2,
  float8e5m2fnuz: OnnxType.FLOAT8E5M2FNUZ,
}

/** Returns the ONNX number of an element type, as in the attribute `to` of a Cast and the data type of an initializer. */
export function elementType(type: DataType): OnnxType {
  return types[type]
}

const names = new Map(Object.entries(types).map(([name, number]) => [number as number, name as DataType]))

/** Returns the name of an ONNX element type, or undefined for one that onnsight does not know. */
export function dataTypeOf(elementType: number): DataType | undefined {
  return names.get(elementType)
}
