import { fsync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const flushDescriptor = promisify(fsync)

/** What was written is on the disk then. By the descriptor: Yarn's Plug'n'Play gives file handles of its own, which have no `sync`. */
export function flush(handle: FileHandle): Promise<void> {
  return flushDescriptor(handle.fd)
}
