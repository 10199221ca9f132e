import { sizeOf } from '../tensor/dtypes/data.ts'
import { allocate } from '../tensor/dtypes/dtype.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'

/** Copies these rows of a tensor along an axis into a new tensor, in this order. */
export function pickRows(tensor: Tensor, axis: number, rows: readonly number[]): Tensor {
  const from = stateOf(tensor).data()
  const dims = from.dims.with(axis, rows.length)
  const data = allocate(from.type, sizeOf(dims)) as Float32Array
  const source = from.data as Float32Array
  const row = sizeOf(dims.slice(axis + 1))
  const outer = sizeOf(dims.slice(0, axis))
  for (let i = 0; i < outer; i++)
    for (const [to, own] of rows.entries()) {
      const start = (i * from.dims[axis] + own) * row
      const at = (i * rows.length + to) * row
      // The elements of a tensor of texts are in a plain array.
      if (Array.isArray(data)) data.splice(at, row, ...source.slice(start, start + row))
      else data.set(source.subarray(start, start + row), at)
    }
  return Tensor.of({ type: from.type, dims, data })
}
