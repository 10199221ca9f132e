import { base64Decode, base64Encode } from '@bufbuild/protobuf/wire'
import { InvalidInterventionGraphError } from '../../errors/graph-json.ts'
import { sizeOf, type TensorData } from '../dtypes/data.ts'
import { allocate, bytesOf, type DataType, type HeldType, isHeld } from '../dtypes/dtype.ts'

/** A tensor as JSON: its elements are base64 of little-endian bytes; texts stand as they are. */
export interface EncodedData {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: string | readonly string[]
}

export function encodeData({ type, dims, data }: TensorData): EncodedData {
  if (Array.isArray(data)) return { type, dims, data: [...data] as string[] }
  const { buffer, byteOffset, byteLength } = data as Float32Array
  return { type, dims, data: base64Encode(new Uint8Array(buffer, byteOffset, byteLength)) }
}

/** Reads a tensor from JSON. @throws InvalidInterventionGraphError if it is no tensor, or incomplete */
export function decodeData(json: unknown, where: string): TensorData {
  const { type, dims, data } = (json ?? {}) as Partial<EncodedData>
  const fail = (reason: string): never => {
    throw new InvalidInterventionGraphError(where, reason)
  }
  if (typeof type !== 'string' || !isHeld(type as DataType))
    return fail(`has the dtype ${typeof type === 'object' ? 'of an object' : String(type)}`)
  if (!Array.isArray(dims) || !dims.every(dim => Number.isSafeInteger(dim) && dim >= 0)) return fail('has no dims')
  const size = sizeOf(dims as number[])
  if (type === 'string') {
    const isText = Array.isArray(data) && data.length === size && data.every(item => typeof item === 'string')
    return isText ? { type, dims: [...dims], data: [...data] } : fail('has not one text for each element')
  }
  if (typeof data !== 'string') return fail('has no data')
  // The length is checked before memory is allocated: a short text may claim to be a huge tensor.
  let bytes: Uint8Array
  try {
    bytes = base64Decode(data)
  } catch {
    return fail('has data that is not base64')
  }
  if (size > bytes.length) return fail('has fewer elements than its dims say')
  const expectedBytes = size * bytesOf(type as HeldType)
  if (bytes.length !== expectedBytes) return fail(`has ${bytes.length} bytes, where ${expectedBytes} are due`)
  const array = allocate(type as HeldType, size) as Uint8Array
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(bytes)
  return { type: type as HeldType, dims: [...dims], data: array }
}
