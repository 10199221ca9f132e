import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'
import type { Prompts } from '../model/studied-model.ts'

/** The inputs of one prompt of a batch, in so many equal rows. */
export function rowsOf({ inputs, ids }: Prompts, prompt: number, copies: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, repeated(tensor, prompt, ids.length, copies)]),
  )
}

function repeated(tensor: Tensor, row: number, rows: number, copies: number): Tensor {
  const held = stateOf(tensor).data()
  if (held.dims.length === 0 || held.dims[0] !== rows) return tensor
  const size = sizeOf(held.dims) / rows
  const own = held.data.slice(row * size, (row + 1) * size)
  const dims = [copies, ...held.dims.slice(1)]
  if (Array.isArray(own))
    return Tensor.of({ type: held.type, dims, data: Array.from({ length: copies }, () => own).flat() } as TensorData)
  const Elements = own.constructor as new (length: number) => Float32Array
  const all = new Elements(size * copies)
  for (let copy = 0; copy < copies; copy++) all.set(own as Float32Array, copy * size)
  return Tensor.of({ ...held, dims, data: all } as TensorData)
}
