import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HarvestError } from '../../runtime/errors/harvest.ts'
import { hubFiles, isHubAddress } from './hub.ts'
import type { SourceFile } from './item.ts'

/** The files of these paths; of a folder, all that lie in it and below it, by name. Hidden ones are left out. @throws HarvestError, HubError */
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
  for (const path of paths)
    if (isHubAddress(path)) found.push(...(await hubFiles(path)))
    else await add(path)
  if (found.length === 0) throw new HarvestError(`There are no files in ${paths.join(', ')}.`, 'name files to read')
  return found
}
