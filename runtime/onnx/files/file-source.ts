import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { type ByteSource, readBytes } from './byte-source.ts'

/** What is read is copied from here: no more at once. Node itself ends at 2 GiB. */
const MOST = 1 << 26

/** An open file. */
export function fileSource(handle: FileHandle, size: number): ByteSource {
  return {
    size,
    async read(offset, length) {
      const buffer = new Uint8Array(Math.min(length, MOST))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    },
  }
}

/** Bytes of a file on the disk. */
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
