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
 * Writes each file under a temporary name in its folder, and renames all of them when they are complete. If anything fails, the folders
 * are as they were before.
 */
export async function replaceFiles(files: readonly NewFile[], signal?: AbortSignal): Promise<void> {
  const written: { readonly temporary: string; readonly path: string }[] = []
  const folders: string[] = []
  try {
    for (const { path, parts } of files) {
      await makeFolders(dirname(path), folders)
      const temporary = temporaryPath(path)
      written.push({ temporary, path })
      const handle = await open(temporary, 'wx')
      try {
        await writeParts(handle, parts, { signal })
        // Some file systems report only here that the disk is full.
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

function temporaryPath(path: string): string {
  return join(dirname(path), `.onnsight-${randomBytes(8).toString('hex')}.tmp`)
}

/** Makes a folder and those above it that are missing. Adds each to `made`, outermost first. */
async function makeFolders(folder: string, created: string[]): Promise<void> {
  try {
    await mkdir(folder)
    created.push(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT') throw error
    await makeFolders(dirname(folder), created)
    await makeFolders(folder, created)
  }
}

/** Renames all files. If a later rename fails, the earlier ones are undone. */
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

/** Gives the file at a path a second name, and returns it; undefined if there is no file. */
async function backUp(path: string): Promise<string | undefined> {
  const backup = temporaryPath(path)
  try {
    await link(path, backup)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // Not every file system has hard links.
    await copyFile(path, backup)
  }
  return backup
}
