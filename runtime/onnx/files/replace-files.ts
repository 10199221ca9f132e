import { randomBytes } from 'node:crypto'
import { copyFile, link, mkdir, open, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flush } from './flush.ts'
import { type Part, writeParts } from './parts.ts'

export interface NewFile {
  readonly path: string
  readonly parts: readonly Part[]
}

/**
 * Writes files beside their places, and moves them there when all are whole. If anything fails, what was there before is there still,
 * and nothing else.
 */
export async function replaceFiles(files: readonly NewFile[], signal?: AbortSignal): Promise<void> {
  const written: { readonly temporary: string; readonly path: string }[] = []
  const folders: string[] = []
  try {
    for (const { path, parts } of files) {
      await makeFolders(dirname(path), folders)
      const temporary = beside(path)
      written.push({ temporary, path })
      const handle = await open(temporary, 'wx')
      try {
        await writeParts(handle, parts, signal)
        // Some file systems tell only here that there is no room.
        await flush(handle)
      } finally {
        await handle.close()
      }
    }
    await moveAll(written)
  } catch (error) {
    for (const { temporary } of written) await rm(temporary, { force: true })
    for (const folder of folders.reverse()) await rmdir(folder).catch(() => undefined)
    throw error
  }
}

function beside(path: string): string {
  return join(dirname(path), `.onnsight-${randomBytes(8).toString('hex')}.tmp`)
}

/** Makes the folders that are missing, and adds them to `made`, outermost first. */
async function makeFolders(folder: string, made: string[]): Promise<void> {
  try {
    await mkdir(folder)
    made.push(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT') throw error
    await makeFolders(dirname(folder), made)
    await makeFolders(folder, made)
  }
}

/** Each move is atomic; if a later one fails, the earlier ones are taken back. */
async function moveAll(files: readonly { readonly temporary: string; readonly path: string }[]): Promise<void> {
  const undo: (() => Promise<void>)[] = []
  const backups: string[] = []
  try {
    for (const [i, { temporary, path }] of files.entries()) {
      const backup = i < files.length - 1 ? await backUp(path) : undefined
      if (backup !== undefined) backups.push(backup)
      await rename(temporary, path)
      undo.push(() => (backup === undefined ? rm(path) : rename(backup, path)))
    }
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  } finally {
    for (const backup of backups) await rm(backup, { force: true })
  }
}

/** A second name for the file at a path; undefined if there is none. */
async function backUp(path: string): Promise<string | undefined> {
  const backup = beside(path)
  try {
    await link(path, backup)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Not every file system has hard links.
    await copyFile(path, backup)
  }
  return backup
}
