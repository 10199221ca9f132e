import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { ModelFolder } from './folder.ts'

/** How many levels of folders are searched for graphs: the model's own folder, and the folders in it. */
const MAX_DEPTH = 2

/** A folder on the disk. */
export function diskFolder(path: string): ModelFolder {
  return {
    name: path,
    list: () => filesBelow(path, path, MAX_DEPTH),
    text: async name => {
      try {
        return await readFile(join(path, name), 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
  }
}

/** The paths of all files below a folder. Links to files count as files, because the hub's cache consists of such links. */
async function filesBelow(root: string, folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async entry => {
      const path = join(folder, entry.name)
      if (!entry.isDirectory()) return [relative(root, path).split(sep).join('/')]
      return depth > 1 && !entry.name.startsWith('.') ? filesBelow(root, path, depth - 1) : []
    }),
  )
  return found.flat()
}
