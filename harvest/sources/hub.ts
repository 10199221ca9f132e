import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../../runtime/errors/language-model.ts'
import { hubCacheFolder } from '../../runtime/language-model/hub/cache.ts'
import { accessTo, hubLibrary, writeDownload } from '../../runtime/language-model/hub/library.ts'
import type { SourceFile } from './item.ts'

/** hf://datasets/OWNER/NAME, with @REVISION and the path of a file or folder in it, if given. */
const ADDRESS = /^hf:\/\/datasets\/([\w.-]+\/[\w.-]+?)(?:@([\w.-]+))?(?:\/(.*))?$/

/** Endings of files with documents; others of a data set, such as its card, are left out. */
const DOCUMENTS = /\.(txt|jsonl|ndjson|parquet|arrow|feather|safetensors|npy)(\.gz)?$/i

export const isHubAddress = (path: string): boolean => path.startsWith('hf://')

/**
 * The files of a data set of the hub that lie at an address, by name. Each is downloaded into the hub's cache when it is read, if it is not there. Token and
 * address of the hub are HF_TOKEN and HF_ENDPOINT of the environment.
 * @throws HubError, MissingPackageError
 */
export async function hubFiles(address: string): Promise<SourceFile[]> {
  const [, name, revision = 'main', path = ''] = ADDRESS.exec(address) ?? []
  if (name === undefined)
    throw new HubError(
      `${address} is no address of a data set.`,
      'write hf://datasets/OWNER/NAME, or with a path: hf://datasets/OWNER/NAME/data/train.parquet',
    )
  const hub = await hubLibrary('data sets')
  const access = accessTo()
  const repo = { type: 'dataset', name } as const
  try {
    const { sha } = await hub.datasetInfo({ ...access, name, revision, additionalFields: ['sha'] })
    const folder = join(hubCacheFolder(), ['datasets', ...name.split('/')].join('--'), 'snapshots', sha)
    const found: SourceFile[] = []
    const inside = path.replace(/\/+$/, '')
    for await (const entry of hub.listFiles({ ...access, repo, revision: sha, recursive: true })) {
      const isMeant = inside === '' || entry.path === inside || entry.path.startsWith(`${inside}/`)
      if (entry.type !== 'file' || !isMeant || !(DOCUMENTS.test(entry.path) || entry.path === inside)) continue
      const local = join(folder, entry.path)
      const fetched = async (): Promise<string> => {
        if ((await stat(local).catch(() => undefined))?.isFile()) return local
        const content = await hub.downloadFile({ ...access, repo, path: entry.path, revision: sha })
        if (!content) throw new HubError(`${name} has no ${entry.path}.`, 'harvest again')
        await writeDownload(local, content)
        return local
      }
      found.push({ path: `hf://datasets/${name}@${sha}/${entry.path}`, size: entry.size, fetched })
    }
    if (found.length === 0)
      throw new HubError(
        `The data set ${name} has no documents at ${path || 'its top'}.`,
        'name a file or a folder of it',
      )
    return found.sort((a, b) => (a.path < b.path ? -1 : 1))
  } catch (error) {
    throw asHubError(error, name)
  }
}

function asHubError(error: unknown, name: string): unknown {
  if (error instanceof HubError) return error
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown }
  if (typeof statusCode === 'number')
    return new HubError(
      `The hub answered ${statusCode} for the data set ${name}.`,
      'check the name, OWNER/NAME; for a private or gated one set HF_TOKEN, and accept its terms on its page',
      error,
    )
  if (error instanceof TypeError)
    return new HubError(
      `The data set ${name} could not be downloaded: there is no connection to the hub.`,
      'check the connection, or name files that are here',
      error,
    )
  return error
}
