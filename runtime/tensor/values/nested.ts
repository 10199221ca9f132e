import { Float16Array } from '@petamoriken/float16'
import type { TensorData } from '../dtypes/data.ts'

/** Elements in nested arrays, one level for each axis; a single element for rank 0. */
export type NestedList = number | bigint | boolean | string | NestedList[]

/** Converts row-major elements to nested arrays. */
export function toNested(tensor: TensorData): NestedList {
  const element = elementReader(tensor)
  let next = 0
  const build = (axis: number): NestedList => {
    if (axis === tensor.dims.length) return element(next++)
    const list: NestedList[] = []
    for (let i = 0; i < tensor.dims[axis]; i++) list.push(build(axis + 1))
    return list
  }
  return build(0)
}

/** Returns a function that reads an element as a JavaScript value: int64 becomes a number where that is exact, bool a boolean. */
export function elementReader({ type, data }: TensorData): (i: number) => number | bigint | boolean | string {
  if (type === 'bool') return i => data[i] === 1
  if (type === 'int64' || type === 'uint64') {
    return i => {
      const value = data[i] as bigint
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : value
    }
  }
  if (type === 'float16') {
    const bits = data as Uint16Array
    const halves = new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length)
    return i => halves[i]
  }
  return i => data[i] as number | string
}
