import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'

/** Whether a value has an element that is NaN, or infinite as after an overflow. Minus infinity is what masks are made of. */
export function isBroken({ type, data }: TensorData): boolean {
  if (type === 'float16') return (data as Uint16Array).some(bits => (bits & 0x7c00) === 0x7c00 && bits !== 0xfc00)
  if (type !== 'float32' && type !== 'float64') return false
  return (data as Float32Array).some(value => !(value < Number.POSITIVE_INFINITY))
}
