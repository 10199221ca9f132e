import { stat } from 'node:fs/promises'
import { ExternalDataError } from '../../errors/onnx.ts'

export interface FileIdentity {
  /** The same for two paths that lead to one file, by links of either kind. */
  readonly id: string
  readonly isFolder: boolean
  readonly size: number
  readonly mtimeMs: number
}

/** A file that weights lie in, as it was when the model was read. */
export interface SourceFile {
  /** The file itself, symlinks followed. */
  readonly file: string
  readonly size: number
  readonly mtimeMs: number
  readonly inode: number
}

/** What is at a path, links followed; undefined if nothing is. */
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

/** @throws ExternalDataError for a file that is no longer as it was when the model was read */
export async function assertUnchanged({ file, size, mtimeMs }: SourceFile): Promise<FileIdentity> {
  const there = await identityOf(file)
  if (there && there.size === size && there.mtimeMs === mtimeMs) return there
  const what = there ? 'has changed' : 'is gone'
  throw new ExternalDataError(`${file} ${what} since the model was loaded from it.`, 'load the model again')
}
