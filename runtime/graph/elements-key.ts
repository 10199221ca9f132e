import type { TensorData } from '../tensor/dtypes/data.ts'

/** A text that is equal only for tensors of the same dtype, dims and elements. */
export const tensorKey = ({ type, dims, data }: TensorData): string => `${type}[${dims}]${elementsKey(data)}`

/** A text that is equal only for equal elements: −0 differs from 0, and texts are quoted, so that commas in them separate nothing. */
export function elementsKey(data: ArrayLike<unknown>): string {
  return Array.from(data, element => {
    if (typeof element === 'string') return JSON.stringify(element)
    return Object.is(element, -0) ? '-0' : String(element)
  }).join()
}
