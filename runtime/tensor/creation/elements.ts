import { ArgumentError } from '../../errors/tensor.ts'
import { checkDims } from '../arguments/check-dims.ts'
import { currentPosition } from '../current-position.ts'
import { sizeOf } from '../dtypes/data.ts'
import { allocate, bytesOf, type HeldType, type TensorArray } from '../dtypes/dtype.ts'
import { stateOf, Tensor } from '../tensor.ts'
import { toTensor } from '../values/convert.ts'

/** How many elements are computed as JavaScript numbers before they are written to the tensor’s array. */
const BLOCK = 2 ** 16

/** Makes the array of a tensor with these dims. @throws ArgumentError if they are no dims, or an array of their size can't be had */
export function allocateElements(operation: string, dims: readonly number[], type: HeldType): TensorArray {
  checkDims(dims, operation)
  const size = sizeOf(dims)
  try {
    return allocate(type, size)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ArgumentError(
      `${operation}: a tensor of ${type} with the dims [${dims.join(', ')}] takes ${(size * bytesOf(type)).toLocaleString('en')} bytes, and JavaScript can't make an array of that size here.`,
      currentPosition(),
      'create a smaller tensor',
    )
  }
}

/**
 * Creates a tensor whose elements `at` computes one after another, in row-major order. They are written to the tensor’s array block by block: a
 * list of them all would take many times as much memory, and V8 ends the whole process when a list outgrows its heap.
 * @throws ArgumentError if `dims` are no dims or too large, and DtypeError for an element that the dtype can't hold
 */
export function computeElements(
  operation: string,
  dims: readonly number[],
  type: HeldType,
  at: (i: number) => number,
): Tensor {
  checkDims(dims, operation)
  const size = sizeOf(dims)
  const block = (start: number): TensorArray =>
    stateOf(
      toTensor(
        Array.from({ length: Math.min(BLOCK, size - start) }, (_, i) => at(start + i)),
        { type },
      ),
    ).data().data
  if (size <= BLOCK) return Tensor.of({ type, dims: [...dims], data: block(0) })
  const data = allocateElements(operation, dims, type)
  for (let start = 0; start < size; start += BLOCK) {
    const elements = block(start)
    if (type === 'string') for (const [i, text] of elements.entries()) data[start + i] = text
    else (data as Float32Array).set(elements as Float32Array, start)
  }
  return Tensor.of({ type, dims: [...dims], data })
}
