import { statfs } from 'node:fs/promises'

/** The bytes that are free on a folder's disk; undefined where they can't be known, or where the file system has no limit. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { blocks, bavail, bsize } = await statfs(folder)
    // A file system without a limit, such as ramfs, has no blocks.
    return blocks > 0 ? bavail * bsize : undefined
  } catch {
    return undefined
  }
}
