import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'

type NamedInputs = Readonly<Record<string, Tensor>>

/** One row of a batch's inputs. What has no row for each prompt stays as it is. */
export function rowOf(inputs: NamedInputs, row: number, rows: number): Record<string, Tensor> {
  return changed(inputs, rows, data => part(data, row, rows, 1))
}

/** The inputs of one prompt in so many equal rows. */
export function copiesOf(inputs: NamedInputs, copies: number): Record<string, Tensor> {
  return changed(inputs, 1, data => part(data, 0, 1, copies))
}

function changed(inputs: NamedInputs, rows: number, change: (data: TensorData) => TensorData): Record<string, Tensor> {
  const entries = Object.entries(inputs).map(([name, tensor]) => {
    const data = stateOf(tensor).data()
    return [name, data.dims[0] === rows ? Tensor.of(change(data)) : tensor] as const
  })
  return Object.fromEntries(entries)
}

function part({ type, dims, data }: TensorData, row: number, rows: number, copies: number): TensorData {
  const size = sizeOf(dims) / rows
  const own = data.slice(row * size, (row + 1) * size)
  const grown = [copies, ...dims.slice(1)]
  if (Array.isArray(own))
    return { type, dims: grown, data: Array.from({ length: copies }, () => own).flat() } as TensorData
  const Elements = own.constructor as new (length: number) => Float32Array
  const all = new Elements(size * copies)
  for (let copy = 0; copy < copies; copy++) all.set(own as Float32Array, copy * size)
  return { type, dims: grown, data: all } as TensorData
}
