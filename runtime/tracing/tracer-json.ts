import { Tensor } from '../tensor/tensor.ts'
import type { InfoJSON } from './blocks/info.ts'

/** A tracer as it is sent, without the model and the frame. */
export interface TracerJSON {
  readonly args: readonly unknown[]
  /** Options are not sent. */
  readonly kwargs: Readonly<Record<string, never>>
  readonly info: InfoJSON
}

/** Converts arguments to JSON: tensors and arrays of any kind become nested arrays. */
export function toPlain(value: unknown): unknown {
  if (value instanceof Tensor) return value.tolist()
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>)
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(toPlain)
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]))
  return value
}
