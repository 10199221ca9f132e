import { type ByteSource, readInto } from '../onnx/files/byte-source.ts'
import { allocate, type HeldType, type TensorArray } from '../tensor/dtypes/dtype.ts'

/** The length of one view of bytes: views are limited to 4 GiB, and Node's calls that read and write to 2 GiB. */
const WINDOW = 2 ** 30

/** The bytes of an array of numbers, as one or several views. */
export function elementBytes({ buffer, byteOffset, byteLength }: Exclude<TensorArray, string[]>): Uint8Array[] {
  return Array.from({ length: Math.ceil(byteLength / WINDOW) }, (_, i) => {
    const at = i * WINDOW
    return new Uint8Array(buffer as ArrayBuffer, byteOffset + at, Math.min(WINDOW, byteLength - at))
  })
}

/** Fills `data` with bytes of a file from `offset` on. @throws RangeError if the file ends earlier */
export async function readElements(
  source: ByteSource,
  offset: number,
  data: Exclude<TensorArray, string[]>,
): Promise<void> {
  let at = offset
  for (const bytes of elementBytes(data)) {
    await readInto(source, at, bytes)
    at += bytes.length
  }
}

/** Allocates an array for a file's elements. @throws the error that `refused` returns, if so many can't be allocated */
export function allocateElements(
  type: HeldType,
  count: number,
  refused: (reason: string, cause: unknown) => Error,
): Uint32Array {
  try {
    // The type stands for arrays of all widths, whose elements are used as numbers here.
    return allocate(type, count) as Uint32Array
  } catch (cause) {
    throw refused(`there is no room for its ${count} elements of ${type} in memory, or in one array`, cause)
  }
}
