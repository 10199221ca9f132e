import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CacheFolderError } from '../../errors/cache.ts'
import { OnnsightError } from '../../errors/error.ts'
import { flush } from '../files/flush.ts'
import { freeBytes as freeBytesOfDisk } from '../files/free-bytes.ts'
import { clearTemporaries, temporaryName } from '../files/temporaries.ts'

/** A file that can be made again at any time. */
export interface CachedFile {
  /** Two files with the same name have the same contents. */
  readonly name: string
  /** The least and the most bytes that it takes while it is written. */
  readonly size: readonly [least: number, most: number]
  /** Whether the file at this path is complete and unchanged. */
  isWhole(path: string): Promise<boolean>
  /** Writes the contents. `written` will be the file's modification time. */
  write(handle: FileHandle, written: Date): Promise<void>
  /** Whether a file of this name is an earlier edition, which may be removed. */
  isEarlier(name: string): boolean
}

export interface CacheOptions {
  readonly signal?: AbortSignal | undefined
  /** Free bytes in a folder's file system; undefined if that is not known. */
  readonly freeBytes?: (folder: string) => Promise<number | undefined>
}

const POLL_MS = 50

/**
 * Writes a file into a folder, unless it is there already, and returns its path. Other processes never see it incomplete. If another
 * process is writing the same file, this one waits for it; if two start at once, both write, and the later one replaces the other.
 * @throws CacheFolderError if it can't be written there, the signal's reason
 */
export async function cachedFile(folder: string, file: CachedFile, options: CacheOptions = {}): Promise<string> {
  const { signal, freeBytes = freeBytesOfDisk } = options
  const failed = async (cause: unknown): Promise<CacheFolderError> =>
    new CacheFolderError(folder, { needed: file.size, free: await freeBytes(folder), cause })
  let real: string
  try {
    await mkdir(folder, { recursive: true })
    real = await realpath(folder)
    await readdir(real)
  } catch (error) {
    throw await failed(error)
  }
  const path = join(real, file.name)
  for (;;) {
    signal?.throwIfAborted()
    const isBeingWritten = await clearTemporaries(real, file.name)
    if (await file.isWhole(path)) return path
    if (!isBeingWritten) break
    await setTimeout(POLL_MS)
  }
  const free = await freeBytes(real)
  if (free !== undefined && free < file.size[0]) throw new CacheFolderError(folder, { needed: file.size, free })
  try {
    await writeWhole(real, file)
  } catch (error) {
    // Windows does not replace a file in use. Then another process has written the same file, and it can be used.
    if (!signal?.aborted && (await file.isWhole(path))) return path
    throw signal?.aborted || error instanceof OnnsightError ? error : await failed(error)
  }
  await removeEarlier(real, file)
  return path
}

async function writeWhole(folder: string, file: CachedFile): Promise<void> {
  const temporary = join(folder, temporaryName(file.name, randomBytes(4)))
  // Some file systems store modification times in steps of two seconds.
  const written = new Date(Math.floor(Date.now() / 2000) * 2000)
  try {
    const handle = await open(temporary, 'wx')
    try {
      await file.write(handle, written)
      // A crash of the machine must not leave a file of the right size without its bytes.
      await flush(handle)
    } finally {
      await handle.close()
    }
    await utimes(temporary, written, written)
    await rename(temporary, join(folder, file.name))
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

async function removeEarlier(folder: string, file: CachedFile): Promise<void> {
  for (const name of await readdir(folder)) {
    // A file in use may not be removable. The next edition tries again.
    if (name !== file.name && file.isEarlier(name)) await rm(join(folder, name), { force: true }).catch(() => {})
  }
}

/** The user's folder for caches on this operating system. */
export function userCacheFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): string {
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'onnsight', 'Cache')
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'onnsight')
  const base = env.XDG_CACHE_HOME
  return join(base && isAbsolute(base) ? base : join(home, '.cache'), 'onnsight')
}
