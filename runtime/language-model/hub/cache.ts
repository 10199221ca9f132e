import { readdir, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/* The hub’s cache on the disk, which its libraries in Python and JavaScript share: models--OWNER--NAME/{blobs,refs,snapshots}. */

/** The folder in which the hub’s libraries keep their downloads. */
export function hubCacheFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env
  const home = HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface')
  return HF_HUB_CACHE ?? HUGGINGFACE_HUB_CACHE ?? join(home, 'hub')
}

/** The folder of one model in the cache. */
export const storageOf = (cache: string, id: string): string => join(cache, ['models', ...id.split('/')].join('--'))

/** Whether a revision is a commit, which never changes, and not a branch or a tag. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision)

/** The folder with a revision’s files; undefined if the cache has none of them. */
export async function cachedSnapshot(storage: string, revision: string): Promise<string | undefined> {
  const commit = isCommit(revision)
    ? revision
    : await readFile(join(storage, 'refs', revision), 'utf8').catch(() => undefined)
  const folder = commit && join(storage, 'snapshots', commit.trim())
  return folder && (await isFolder(folder)) ? folder : undefined
}

/**
 * The folder with a model’s files, below the model’s folder in the cache: the one of the revision, or the only one. Undefined if `folder` is no
 * such folder, or has neither.
 */
export async function snapshotIn(folder: string, revision = 'main'): Promise<string | undefined> {
  const snapshots = await readdir(join(folder, 'snapshots')).catch(() => undefined)
  if (!snapshots) return undefined
  const named = await cachedSnapshot(folder, revision)
  return named ?? (snapshots.length === 1 ? join(folder, 'snapshots', snapshots[0]) : undefined)
}

/** Whether there is a folder at this path. */
export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true
