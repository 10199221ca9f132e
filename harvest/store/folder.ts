import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { flush } from '../../runtime/onnx/files/flush.ts'
import { freeBytes } from '../../runtime/onnx/files/free-bytes.ts'
import { clearTemporaries, temporaryName } from '../../runtime/onnx/files/temporaries.ts'
import { DIRECT_BYTES } from './page-memory.ts'
import type { Store } from './store.ts'
import { writeDirect } from './write-direct.ts'

/** A folder of the disk. What processes left that were ended while they wrote is removed. */
export async function folderStore(path: string): Promise<Store> {
  await mkdir(path, { recursive: true })
  await clearTemporaries(path, '')
  return {
    name: path,
    async list() {
      return (await readdir(path)).filter(name => !name.endsWith('.tmp'))
    },
    async put(name, parts) {
      const temporary = join(path, temporaryName(name, randomBytes(4)))
      try {
        if (!(isLarge(parts) && (await writeDirect(temporary, parts)))) await writeNew(temporary, parts)
        await rename(temporary, join(path, name))
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      // The new name itself must outlast a loss of power; not every system opens folders.
      const folder = await open(path, 'r').catch(() => undefined)
      if (!folder) return
      await flush(folder).catch(() => undefined)
      await folder.close()
    },
    get: name => readFile(join(path, name)).catch(absent),
    async start(name, length) {
      const file = await open(join(path, name)).catch(absent)
      if (!file) return undefined
      try {
        const bytes = new Uint8Array(length)
        const { bytesRead } = await file.read(bytes, 0, length, 0)
        return bytes.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
    free: () => freeBytes(path),
  }
}

const isLarge = (parts: readonly Uint8Array[]): boolean =>
  parts.reduce((sum, { length }) => sum + length, 0) >= DIRECT_BYTES

async function writeNew(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await writeAll(file, parts)
    await flush(file)
  } finally {
    await file.close()
  }
}

/** The most parts of one write; systems take 1024. */
const PARTS = 1024

/** Writes parts one after another, in as few calls as there can be. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter(({ length }) => length > 0)
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left.slice(0, PARTS))
    let whole = 0
    while (whole < left.length && bytesWritten >= left[whole].length) bytesWritten -= left[whole++].length
    left = left.slice(whole)
    // A part of several gigabytes is not written at once.
    if (bytesWritten > 0) left[0] = left[0].subarray(bytesWritten)
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
