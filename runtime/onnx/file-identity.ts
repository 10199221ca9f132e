import { stat } from 'node:fs/promises'

export interface FileIdentity {
  /** The same for two paths that lead to one file, by links of either kind. */
  readonly id: string
  readonly isFolder: boolean
  readonly size: number
  readonly mtimeMs: number
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
