import { basename, extname } from 'node:path'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stateOf, type Tensor } from '../../runtime/tensor/tensor.ts'
import { readNpy } from '../../runtime/tensor-files/npy.ts'
import { readSafetensors } from '../../runtime/tensor-files/safetensors.ts'
import type { Item } from './item.ts'

/** The documents of a file of tensors: each index of the first axis is one. The array of a .npy file is for the input of this name. */
export async function* tensorItems(path: string, input: string): AsyncGenerator<Item> {
  const tensors = extname(path) === '.npy' ? { [input]: await readNpy(path) } : await readSafetensors(path)
  yield* rowsOf(tensors, path)
}

/** @throws HarvestError for tensors of different lengths */
export function* rowsOf(tensors: Readonly<Record<string, Tensor>>, where: string): Generator<Item> {
  const datas = Object.entries(tensors).map(([name, tensor]) => [name, stateOf(tensor).data()] as const)
  const counts = new Set(datas.map(([, { dims }]) => dims[0]))
  const [count] = counts
  if (counts.size !== 1 || count === undefined)
    throw new HarvestError(
      `The tensors of ${basename(where)} have different numbers of documents: ${datas.map(([name, { dims }]) => `${name} [${dims.join(', ')}]`).join(', ')}.`,
      'store one document for each index of the first axis, in all of them',
    )
  for (let i = 0; i < count; i++)
    yield {
      inputs: Object.fromEntries(datas.map(([name, data]) => [name, rowAt(data, i)])),
      read: (i + 1) / count,
    }
}

/** The elements of one index of the first axis. */
function rowAt({ type, dims, data }: TensorData, index: number): TensorData {
  const rest = dims.slice(1)
  const size = sizeOf(rest)
  return { type, dims: rest, data: data.slice(index * size, (index + 1) * size) as TensorData['data'] }
}
