import { FetchError } from '../errors/web.ts'

export interface FetchOptions {
  /** Whether to use the browser's cache. */
  readonly keep: boolean
  readonly signal: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Called after each piece and at the end, with bytes. `total` is Infinity if the server does not tell it, so that `done / total` is 0. */
  readonly onBytes: (done: number, total: number) => void
}

/** The name of the browser's cache for models. */
const CACHE_NAME = 'onnsight models'

/** Fetches a file as a Blob, from the browser's cache if the server's file has not changed. @throws FetchError, the signal's reason */
export async function fetchBlob(url: URL, options: FetchOptions): Promise<Blob> {
  const cache = options.keep ? await openCache() : undefined
  const kept = await cache?.match(url.href)
  if (kept && (await isCurrent(url, kept, options))) {
    const blob = await kept.blob()
    options.onBytes(blob.size, blob.size)
    return blob
  }
  const response = await request(url, requestInit(options))
  const blob = await stream(url, response, options)
  if (cache) await keep(cache, url, response, blob)
  return blob
}

/** Removes all models of this site from the browser's cache. */
export async function clearKept(): Promise<void> {
  await globalThis.caches?.delete(CACHE_NAME)
}

/** The browser's cache; undefined if the page may not use one: without https, in private windows. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(CACHE_NAME)
  } catch {
    return undefined
  }
}

/** Whether the cached file is the server's present one. Without a connection the cached file is used. */
async function isCurrent(url: URL, kept: Response, options: FetchOptions): Promise<boolean> {
  let now: Response
  try {
    now = await fetch(url, { ...requestInit(options), method: 'HEAD', cache: 'no-cache' })
  } catch (error) {
    options.signal?.throwIfAborted()
    return error instanceof TypeError
  }
  // A server without HEAD can't tell; the cached file is used.
  if (!now.ok) return now.status === 405 || now.status === 501
  return ['etag', 'last-modified', 'content-length'].every(name => {
    const [cached, current] = [kept.headers.get(name), now.headers.get(name)]
    return cached === null || current === null || cached === current
  })
}

const requestInit = ({ signal, headers }: FetchOptions): RequestInit => ({
  signal: signal ?? null,
  ...(headers ? { headers } : {}),
})

async function request(url: URL, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    init.signal?.throwIfAborted()
    const isElsewhere = url.origin !== globalThis.location?.origin
    throw new FetchError(
      url.href,
      isElsewhere
        ? 'there is no connection, or its server does not allow other sites to read it (CORS)'
        : 'there is no connection',
      isElsewhere
        ? 'serve the model from the page’s own site, or have its server send the header Access-Control-Allow-Origin'
        : 'check the address and the connection',
      error,
    )
  }
  if (response.ok) return response
  throw new FetchError(
    url.href,
    `the server says ${response.status} ${response.statusText}`.trimEnd(),
    response.status === 404
      ? 'check the address: models usually lie in the public folder of a site'
      : 'check the server',
    undefined,
    response.status === 404,
  )
}

/** Reads a response piece by piece. For a compressed one the total is unknown: its header has the compressed length, and pieces are unpacked. */
async function stream(url: URL, response: Response, { signal, onBytes }: FetchOptions): Promise<Blob> {
  const length = Number(response.headers.get('content-length') ?? 0)
  let total = length > 0 && !response.headers.has('content-encoding') ? length : Number.POSITIVE_INFINITY
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let done = 0
  try {
    const reader = response.body?.getReader()
    for (;;) {
      const piece = await reader?.read()
      if (!piece || piece.done) break
      pieces.push(piece.value)
      done += piece.value.length
      // Headers of another site may not show that it compresses.
      if (done > total) total = Number.POSITIVE_INFINITY
      onBytes(done, total)
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw new FetchError(url.href, `the connection broke after ${done} bytes`, 'load it again', error)
  }
  if (done !== total) onBytes(done, done)
  return new Blob(pieces)
}

/** Puts a file into the cache. If the cache is full, the file is not kept, and loading continues. */
async function keep(cache: Cache, url: URL, { headers }: Response, blob: Blob): Promise<void> {
  const kept = ['etag', 'last-modified', 'content-length'].flatMap(name => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value] as [string, string]]
  })
  try {
    await cache.put(url.href, new Response(blob, { headers: kept }))
  } catch {
    await cache.delete(url.href).catch(() => undefined)
  }
}
