import { fsync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const flushDescriptor = promisify(fsync)

/** Waits until all that was written is on the disk. Uses the descriptor, as the file handles of Yarn's Plug'n'Play have no `sync`. */
export function flush(handle: FileHandle): Promise<void> {
  return flushDescriptor(handle.fd)
}
