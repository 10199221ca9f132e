import { stat } from 'node:fs/promises'
import { ExternalDataError } from '../../errors/onnx.ts'

export interface FileIdentity {
  /** Equal for two paths that lead to one file, also by hard links and symlinks. */
  readonly id: string
  readonly isFolder: boolean
  readonly size: number
  readonly mtimeMs: number
}

/** The state of a file that contains weights, when the model was read. */
export interface SourceFile {
  /** The real path, symlinks followed. */
  readonly file: string
  readonly size: number
  readonly mtimeMs: number
  readonly inode: number
}

/** The identity of the file at a path, links followed; undefined if there is none. */
export async function identityOf(path: string): Promise<FileIdentity | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    const found = await stat(path)
    return { id: `${dev} ${ino}`, isFolder: found.isDirectory(), size: found.size, mtimeMs: found.mtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** @throws ExternalDataError if the file has changed since the model was read */
export async function assertUnchanged({ file, size, mtimeMs }: SourceFile): Promise<FileIdentity> {
  const current = await identityOf(file)
  if (current && current.size === size && current.mtimeMs === mtimeMs) return current
  const what = current ? 'has changed' : 'is gone'
  throw new ExternalDataError(`${file} ${what} since the model was loaded from it.`, 'load the model again')
}
