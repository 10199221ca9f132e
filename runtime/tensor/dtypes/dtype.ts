/**
 * Element types, named as in onnxruntime. `bfloat16`, `int4` and `float8…` exist inside graphs only; they are cast before they leave one.
 */
export type DataType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float64'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool'
  | 'string'
  | 'int4'
  | 'uint4'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'

/**
 * The JavaScript array that holds a tensor's elements. float16 is stored as its bits, and `Tensor.data` shows it as numbers. bool is stored
 * as 0 or 1.
 */
export type TensorArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[]

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const

/** The names of all element types. */
export const dataTypes: readonly DataType[] = [
  ...(Object.keys(arrays) as HeldType[]),
  ...([
    'bfloat16',
    'string',
    'int4',
    'uint4',
    'float8e4m3fn',
    'float8e4m3fnuz',
    'float8e5m2',
    'float8e5m2fnuz',
  ] as const),
]

/** Element types that JavaScript can hold and a session can take as an input. */
export type HeldType = keyof typeof arrays | 'string'

export function isHeld(type: DataType): type is HeldType {
  return type === 'string' || Object.hasOwn(arrays, type)
}

export function allocate(type: HeldType, length: number): TensorArray {
  return type === 'string' ? new Array<string>(length).fill('') : new arrays[type](length)
}

export function arrayConstructor(type: Exclude<HeldType, 'string'>): (typeof arrays)[keyof typeof arrays] {
  return arrays[type]
}

/** Returns the bytes of one element as JavaScript holds it; 0 for text. */
export function bytesOf(type: DataType): number {
  if (type === 'string') return 0
  return isHeld(type) ? arrays[type as keyof typeof arrays].BYTES_PER_ELEMENT : 4
}

export function isFloat(type: DataType): boolean {
  return type.startsWith('float') || type === 'bfloat16'
}

export function isInteger(type: DataType): boolean {
  return type.startsWith('int') || type.startsWith('uint')
}

export function isBigInt(type: DataType): type is 'int64' | 'uint64' {
  return type === 'int64' || type === 'uint64'
}
