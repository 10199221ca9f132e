import type { TensorArray } from '../../runtime/tensor/dtypes/dtype.ts'

/** The dtype in which values are stored. */
export type StoredDtype = 'float32' | 'float16' | 'bfloat16'

export const STORED_DTYPES: readonly StoredDtype[] = ['float32', 'float16', 'bfloat16']

/** The dtype in which values leave a trace: bfloat16 can’t leave one, so its bits are cut from float32. */
export const traceDtype = (dtype: StoredDtype): 'float32' | 'float16' => (dtype === 'bfloat16' ? 'float32' : dtype)

/** Fills `bits` with the upper halves of float32 numbers, rounded to the nearest, and to even in the middle: their bits as bfloat16. */
export function bfloat16Bits(values: Float32Array, bits: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    // A NaN must not be rounded to infinity.
    bits[i] = (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
}

/** float32 numbers of bfloat16 bits. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16
  return new Float32Array(words.buffer)
}

export type Numbers = Exclude<TensorArray, string[]>
