import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import type { datasetInfo, downloadFile, listFiles, modelInfo } from '@huggingface/hub'
import { MissingPackageError } from '../../errors/install.ts'
import type { HubAccess } from '../options.ts'

interface HubLibrary {
  readonly datasetInfo: typeof datasetInfo
  readonly downloadFile: typeof downloadFile
  readonly listFiles: typeof listFiles
  readonly modelInfo: typeof modelInfo
}

/** Imports the hub's library, which the user installs. `what` is what is downloaded. @throws MissingPackageError */
export async function hubLibrary(what: 'models' | 'data sets'): Promise<HubLibrary> {
  try {
    // The comments keep bundlers from including the package, which is optional.
    return await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@huggingface/hub')
  } catch (cause) {
    throw new MissingPackageError('@huggingface/hub', cause, `to download ${what} from the hub`)
  }
}

export const endpointOf = ({
  endpoint = process.env.HF_ENDPOINT ?? 'https://huggingface.co',
}: Pick<HubAccess, 'endpoint'> = {}): string => endpoint.replace(/\/$/, '')

/** The options with which the library asks the hub. Token and address are those of the environment unless they are passed. */
export function accessTo({ token = process.env.HF_TOKEN, ...options }: Pick<HubAccess, 'endpoint' | 'token'> = {}) {
  return { hubUrl: endpointOf(options), ...(token ? { accessToken: token as `hf_${string}` } : {}) }
}

interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes that are written. */
  readonly onBytes?: (bytes: number) => void
}

/** Writes a downloaded file whole or not at all. Each writer of the same file has a temporary one, and the last one to finish replaces it. */
export async function writeDownload(
  path: string,
  content: Blob,
  { signal, onBytes }: WriteOptions = {},
): Promise<void> {
  const partial = `${path}.${randomBytes(4).toString('hex')}.incomplete`
  await mkdir(dirname(path), { recursive: true })
  let bytes = 0
  const counting = new Transform({
    transform(piece: Uint8Array, _, done) {
      bytes += piece.length
      onBytes?.(bytes)
      done(null, piece)
    },
  })
  try {
    const source = Readable.fromWeb(content.stream() as ReadableStream)
    await pipeline(source, counting, createWriteStream(partial), signal ? { signal } : {})
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}
