import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HarvestError } from '../../runtime/errors/harvest.ts'

/** A file that documents are read from. */
export interface SourceFile {
  readonly path: string
  readonly size: number
}

/** The files of these paths; of a folder, all that lie in it and below it, by name. Hidden ones are left out. @throws HarvestError */
export async function filesOf(paths: readonly string[]): Promise<SourceFile[]> {
  const found: SourceFile[] = []
  const add = async (path: string): Promise<void> => {
    const info = await stat(path).catch(cause => {
      throw new HarvestError(`The source ${path} can’t be read.`, 'check the path', cause)
    })
    if (!info.isDirectory()) found.push({ path, size: info.size })
    else
      for (const name of (await readdir(path)).sort()) {
        if (!name.startsWith('.')) await add(join(path, name))
      }
  }
  for (const path of paths) await add(path)
  if (found.length === 0) throw new HarvestError(`There are no files in ${paths.join(', ')}.`, 'name files to read')
  return found
}
