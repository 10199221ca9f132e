import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { type ByteSource, readBytes } from './byte-source.ts'

/** Limits the buffer of one read, which is copied afterwards. Node's own limit is 2 GiB. */
const MAX_READ_BYTES = 1 << 26

/** An open file as a source of bytes. */
export function fileSource(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    async read(offset, length) {
      const buffer = new Uint8Array(Math.min(length, MAX_READ_BYTES))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    },
  }
}

/** Reads exactly `length` bytes of a file. @throws Error if it ends earlier */
export async function readFileBytes(location: string, offset: number, length: number): Promise<Uint8Array> {
  const handle = await open(location)
  try {
    return await readBytes(fileSource(handle, Number.POSITIVE_INFINITY), offset, length)
  } catch (error) {
    throw error instanceof RangeError ? new Error(`${location} ended early.`) : error
  } finally {
    await handle.close()
  }
}
