import { accessSync, constants, existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { userCacheFolder } from '../../../runtime/onnx/weights-on-disk/cache-folder.ts'
import { byteSize } from '../../shared/byte-size.ts'
import { type Finding, ok, warn } from '../finding.ts'
import { upward } from '../packages.ts'

/** Checks that copies of weights can be written to the cache folder, and reports its size. */
export async function checkCache(folder = userCacheFolder()): Promise<Finding> {
  const existing = [...upward(folder)].find(existsSync) ?? folder
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
    const files = existing === folder ? await readdir(folder) : []
    let bytes = 0
    for (const name of files) bytes += (await stat(join(folder, name))).size
    const contents = files.length > 0 ? `${files.length} files, ${byteSize(bytes)}` : 'empty'
    return ok('cache', `Cache folder ${folder}: ${contents}`)
  } catch (error) {
    return warn(
      'cache',
      `Cache folder ${folder} can’t be used: ${(error as Error).message}`,
      'make it writable, set XDG_CACHE_HOME, or name another: load(path, { cacheFolder })',
    )
  }
}
