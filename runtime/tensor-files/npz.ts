import { readFile } from 'node:fs/promises'
import { InvalidTensorsFileError } from '../errors/files.ts'
import { MissingPackageError } from '../errors/install.ts'
import { memorySource } from '../onnx/files/memory-source.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { tensorOfNpy } from './npy.ts'

const ENDING = '.npy'

/**
 * Reads the arrays of a .npz file, which `numpy.savez` and `numpy.savez_compressed` write, as tensors by name.
 * @throws InvalidTensorsFileError; MissingPackageError if fflate is not installed; what the file system throws
 */
export async function readNpz(path: string): Promise<Record<string, Tensor>> {
  const { unzipSync } = await zipLibrary()
  const bytes = await readFile(path)
  let files: Record<string, Uint8Array>
  try {
    files = unzipSync(bytes, { filter: ({ name }) => name.endsWith(ENDING) })
  } catch (error) {
    throw new InvalidTensorsFileError(path, 'it is not a whole zip archive', error, '.npz')
  }
  const entries = Object.entries(files).map(
    async ([name, file]) =>
      [name.slice(0, -ENDING.length), await tensorOfNpy(memorySource(file), `${path}: ${name}`)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

async function zipLibrary() {
  try {
    return await import('fflate')
  } catch (error) {
    throw new MissingPackageError('fflate', error, 'to read .npz files')
  }
}
