import { type ByteSource, readInto } from '../onnx/files/byte-source.ts'
import { allocate, type HeldType, type TensorArray } from '../tensor/dtypes/dtype.ts'

/** No view of bytes may be longer than 4 GiB, and no call of Node's reads or writes more than 2. */
const WINDOW = 2 ** 30

/** The bytes of numbers, as views: several where they are many. */
export function elementBytes({ buffer, byteOffset, byteLength }: Exclude<TensorArray, string[]>): Uint8Array[] {
  return Array.from({ length: Math.ceil(byteLength / WINDOW) }, (_, i) => {
    const at = i * WINDOW
    return new Uint8Array(buffer as ArrayBuffer, byteOffset + at, Math.min(WINDOW, byteLength - at))
  })
}

/** Fills `data` with what lies in a file from `offset` on. @throws RangeError if the file ends before */
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

/** An array for what a file says it holds. @throws what `refused` makes of the reason, where there is no room for so many */
export function roomFor(
  type: HeldType,
  count: number,
  refused: (reason: string, cause: unknown) => Error,
): Uint32Array {
  try {
    // Whatever their width: elements of each are numbers here.
    return allocate(type, count) as Uint32Array
  } catch (cause) {
    throw refused(`there is no room for its ${count} elements of ${type} in memory, or in one array`, cause)
  }
}
