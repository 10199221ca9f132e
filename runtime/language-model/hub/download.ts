import { copyFile, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { HubError, LanguageModelError } from '../../errors/language-model.ts'
import { warn } from '../../errors/warn.ts'
import { chooseGraphs, type GraphChoice } from '../choose-graph.ts'
import { diskFolder } from '../disk-folder.ts'
import type { HubAccess } from '../options.ts'
import { cachedSnapshot, hubCacheFolder, isCommit, storageOf } from './cache.ts'
import { accessTo, endpointOf, hubLibrary, writeDownload } from './library.ts'

/** Options of a download. */
interface HubOptions extends GraphChoice, HubAccess {
  /** Called with the bytes that have been downloaded, and the total of all files. `what` is 'downloaded'. */
  readonly onProgress?: (done: number, total: number, what: string) => void
  readonly signal?: AbortSignal
}

/** The files, beside the graphs, from which a language model is read. */
const TEXT_FILES =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|chat_template)\.json$|^chat_template\.jinja$/

/** A file of the hub. */
interface HubFile {
  readonly path: string
  readonly size: number
  /** The name of its content in the cache. */
  readonly etag: string
}

/**
 * The folder with a model's files in the hub's cache. Files that are not there yet are downloaded: the chosen graph, the files of its weights,
 * its tokenizer and its configuration. @throws HubError, MissingPackageError
 */
export async function hubSnapshot(id: string, options: HubOptions): Promise<string> {
  const { revision = 'main', offline = process.env.HF_HUB_OFFLINE === '1' } = options
  const storage = storageOf(options.hubCache ?? hubCacheFolder(), id)
  const cached = await cachedSnapshot(storage, revision)
  if (offline) {
    if (cached) return cached
    throw new HubError(
      `${id} is not in the cache, ${storage}, and nothing is downloaded in offline mode.`,
      'load it once with a connection, or give the path of its folder',
    )
  }
  // A commit never changes, so the hub need not be asked if the cache has a whole one.
  if (cached && isCommit(revision) && (await isComplete(cached, options))) return cached
  try {
    return await download(id, revision, storage, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!isConnection(error)) throw asHubError(error, id, revision)
    if (!cached)
      throw new HubError(
        `There is no folder ${id} here, and no connection to ${endpointOf(options)} to download a model of this name.`,
        'check the connection, or give the path of a folder with the model’s files',
        error,
      )
    warn(`There is no connection to the hub: ${id} is loaded as it is in the cache.`, 'hub-unreachable')
    return cached
  }
}

async function download(id: string, revision: string, storage: string, options: HubOptions): Promise<string> {
  const hub = await hubLibrary('models')
  const { signal } = options
  const access = {
    ...accessTo(options),
    fetch: ((input, init) => fetch(input, { ...init, signal: signal ?? null })) as typeof fetch,
  }
  const { sha } = await hub.modelInfo({ ...access, name: id, revision, additionalFields: ['sha'] })
  const folder = join(storage, 'snapshots', sha)
  const all: HubFile[] = []
  for await (const entry of hub.listFiles({ ...access, repo: id, revision: sha, recursive: true })) {
    const etag = entry.lfs?.oid ?? entry.xetHash ?? entry.oid
    if (entry.type === 'file' && etag !== undefined) all.push({ path: entry.path, size: entry.size, etag })
  }
  const wanted = neededFiles(id, all, options)
  const total = wanted.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  for (const file of wanted) {
    if (!(await exists(join(folder, file.path)))) {
      const blob = join(storage, 'blobs', file.etag)
      if (!(await exists(blob))) {
        const content = await hub.downloadFile({ ...access, repo: id, path: file.path, revision: sha })
        if (!content) throw new HubError(`${id} has no ${file.path}.`, 'load it again')
        const before = done
        const onBytes = (bytes: number): void => options.onProgress?.(before + bytes, total, 'downloaded')
        await writeDownload(blob, content, { signal, onBytes })
      }
      await link(blob, join(folder, file.path))
    }
    done += file.size
    options.onProgress?.(done, total, 'downloaded')
  }
  // The ref is written last, so that a commit that it names has all its files.
  if (revision !== sha) {
    const ref = join(storage, 'refs', revision)
    await mkdir(dirname(ref), { recursive: true })
    await writeFile(ref, sha)
  }
  return folder
}

/** The files of the chosen graphs, of their weights, and of the tokenizer and configuration. @throws LanguageModelError */
function neededFiles(id: string, all: readonly HubFile[], choice: GraphChoice): HubFile[] {
  const { path, encoder } = chooseGraphs(
    id,
    all.map(file => file.path),
    choice,
  )
  const graphs = [path, ...(encoder === undefined ? [] : [encoder])]
  // Weights lie in model.onnx_data, model.onnx_data_1 or model.onnx.data.
  const isOfGraph = (file: string): boolean =>
    graphs.some(graph => file === graph || file.startsWith(`${graph}_data`) || file.startsWith(`${graph}.data`))
  return all.filter(file => isOfGraph(file.path) || TEXT_FILES.test(file.path))
}

async function isComplete(folder: string, options: HubOptions): Promise<boolean> {
  try {
    chooseGraphs(folder, (await diskFolder(folder).list()) ?? [], options)
    return true
  } catch (error) {
    if (error instanceof LanguageModelError) return false
    throw error
  }
}

/** Links `path` to a downloaded file. If links are not allowed, as on Windows, `path` becomes a copy. */
async function link(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  // A link there whose target is missing would prevent the new one.
  await rm(path, { force: true })
  try {
    await symlink(relative(dirname(path), blob), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return
    await copyFile(blob, path)
  }
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined

/** Whether this is the error that fetch throws if a server can't be reached. */
const isConnection = (error: unknown): boolean => error instanceof TypeError

function asHubError(error: unknown, id: string, revision: string): unknown {
  const { statusCode: status } = (error ?? {}) as { readonly statusCode?: unknown }
  if (typeof status !== 'number') return error
  if (status === 404 && revision !== 'main')
    return new HubError(`The hub has no model ${id} with the revision ${revision}.`, 'check both names', error)
  if (status === 401 || status === 403 || status === 404)
    return new HubError(
      `The hub has no model ${id} that it would give: it does not exist, or it is private or gated.`,
      'check the name, OWNER/NAME; for a private or gated model pass { token: … }, and accept its terms on its page',
      error,
    )
  return new HubError(`The hub answered ${status} for ${id}.`, 'try again later', error)
}
