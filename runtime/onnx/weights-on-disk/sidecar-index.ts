import type { FileHandle } from 'node:fs/promises'

/** A payload as onnxruntime packs it for one kind of operator. */
export interface PackedPayload {
  /** The number of the payload. */
  readonly payload: number
  /** The operator and a hash of the packed bytes, by which onnxruntime looks for it. */
  readonly key: string
  /** The offset and the length of each of its parts. */
  readonly parts: readonly (readonly [offset: number, length: number])[]
}

/** What is known of a sidecar's contents when they have been written. It is at the end of the file. */
export interface SidecarIndex {
  /** The offset of the first payload; undefined if there are none, because sessions take the weights from the model's own files. */
  readonly payloadsAt?: number | undefined
  readonly packed: readonly PackedPayload[]
}

/** The index is followed by its length in bytes, in so many digits. */
const DIGITS = 12
const TAIL = DIGITS + 2

export function encodeIndex(index: SidecarIndex): Uint8Array {
  const text = Buffer.from(JSON.stringify(index))
  return Buffer.concat([text, Buffer.from(`\n${String(text.length).padStart(DIGITS, '0')}\n`)])
}

/** Reads the index of a file of this size; undefined if its end is missing. */
export async function readIndex(handle: FileHandle, size: number): Promise<SidecarIndex | undefined> {
  const read = async (offset: number, length: number): Promise<string> => {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset)
    return buffer.toString('utf8', 0, bytesRead)
  }
  const [, digits] = /^\n(\d+)\n$/.exec(await read(Math.max(0, size - TAIL), TAIL)) ?? []
  const start = size - TAIL - Number(digits)
  if (digits === undefined || start < 0) return undefined
  try {
    return JSON.parse(await read(start, Number(digits))) as SidecarIndex
  } catch {
    return undefined
  }
}
