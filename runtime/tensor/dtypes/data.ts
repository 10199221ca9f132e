import type { HeldType, TensorArray } from './dtype.ts'

/** The dtype, dims and row-major elements of a tensor. By convention, onnsight never writes into `data` once it is made. */
export interface TensorData {
  readonly type: HeldType
  readonly dims: readonly number[]
  readonly data: TensorArray
}

export function sizeOf(dims: readonly number[]): number {
  let size = 1
  for (const dim of dims) size *= dim
  return size
}

export function byteLength(tensor: TensorData): number {
  if (ArrayBuffer.isView(tensor.data)) return tensor.data.byteLength
  let bytes = 0
  for (const text of tensor.data) bytes += text.length * 2
  return bytes
}

/** Returns the index along each axis of the element at a row-major position. */
export function indexOf(flat: number, dims: readonly number[]): number[] {
  let rest = flat
  const index = dims.map(() => 0)
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = rest % dims[axis]
    rest = Math.floor(rest / dims[axis])
  }
  return index
}
