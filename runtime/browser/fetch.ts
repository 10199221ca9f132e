import { FetchError } from '../errors/web.ts'

export interface FetchOptions {
  /** Whether it is kept, and taken from what is kept. */
  readonly keep: boolean
  readonly signal: AbortSignal | undefined
  /** Told after each piece, and once more at the end; `total` is Infinity where the server does not say, so that shares stay numbers. */
  readonly onBytes: (done: number, total: number) => void
}

/** The name of the browser's cache that models are kept in. */
const KEPT = 'onnsight models'

/** A file at an address, as a Blob: from the browser's cache if it is there as the server has it. @throws FetchError */
export async function fetchBlob(url: URL, options: FetchOptions): Promise<Blob> {
  const cache = options.keep ? await openCache() : undefined
  const kept = await cache?.match(url.href)
  if (kept && (await isCurrent(url, kept, options.signal))) {
    const blob = await kept.blob()
    options.onBytes(blob.size, blob.size)
    return blob
  }
  const response = await request(url, { signal: options.signal ?? null })
  const blob = await stream(url, response, options)
  if (cache) await keep(cache, url, response, blob)
  return blob
}

/** Forgets all models that are kept in this browser, for this site. */
export async function clearKept(): Promise<void> {
  await globalThis.caches?.delete(KEPT)
}

/** Undefined where the page may not have one: without https, in private windows. */
async function openCache(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(KEPT)
  } catch {
    return undefined
  }
}

/** Whether the server's file is still the one that was kept. Without a connection what is kept will do. */
async function isCurrent(url: URL, kept: Response, signal: AbortSignal | undefined): Promise<boolean> {
  let now: Response
  try {
    now = await fetch(url, { method: 'HEAD', cache: 'no-cache', signal: signal ?? null })
  } catch (error) {
    signal?.throwIfAborted()
    return error instanceof TypeError
  }
  // A server that has no HEAD can't be asked.
  if (!now.ok) return now.status === 405 || now.status === 501
  return ['etag', 'last-modified', 'content-length'].every(name => {
    const [then, there] = [kept.headers.get(name), now.headers.get(name)]
    return then === null || there === null || then === there
  })
}

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
  )
}

/** Reads a response piece by piece. Of what is compressed, the length in the header is the compressed one, and pieces come unpacked. */
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
      // Other sites may hide that they compress.
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

/** A cache that is full keeps nothing; the model is here all the same. */
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
