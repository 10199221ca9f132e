import { Float16Array } from '@petamoriken/float16'
import type { TensorData } from '../runtime/tensor/dtypes/data.ts'
import type { HeldType } from '../runtime/tensor/dtypes/dtype.ts'

/** An element: a bigint for int64 and uint64, a boolean for bool, otherwise a number or a text. */
export type Element = number | bigint | boolean | string

/** One side of a comparison. */
export interface Elements {
  readonly type: HeldType
  readonly dims: readonly number[]
  readonly length: number
  at(i: number): Element
}

/** The elements of a tensor as JavaScript values, in row-major order. */
export function elementsOf({ type, dims, data }: TensorData): Elements {
  const { length } = data
  if (type === 'bool') return { type, dims, length, at: i => data[i] === 1 }
  if (type !== 'float16') return { type, dims, length, at: i => data[i] }
  const bits = data as Uint16Array
  const halves = new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length)
  return { type, dims, length, at: i => halves[i] }
}
