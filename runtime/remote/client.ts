import { RemoteError } from '../errors/remote.ts'
import { version } from '../errors/version.ts'
import { restoredError } from '../errors/worker.ts'

/** A model of a server: its address, and who asks. */
export interface RemoteModel {
  /** `http://host:8000/models/chars`. */
  readonly url: string
  readonly token: string | undefined
}

interface ErrorBody {
  readonly error?: Partial<Parameters<typeof restoredError>[0]>
}

/** How long to wait before each further try. In this time a load balancer finds another server, or a server starts again. */
const PAUSES_MS = [100, 300, 900, 2700]

/** Errors that may be gone when the request is sent again: a server that was ended while it worked, that ends, or that is busy. */
const passing = new WeakSet<Error>()

/** The whole answer to a request that a server may get several times, because its answer depends on nothing else. @throws RemoteError */
export async function askAgain(model: RemoteModel, path: string, options: RequestInit = {}): Promise<Uint8Array> {
  for (const pause of PAUSES_MS) {
    try {
      return await bytesOf(model, path, options)
    } catch (error) {
      if (!passing.has(error as Error) || options.signal?.aborted) throw error
    }
    await new Promise(resolve => setTimeout(resolve, pause))
    options.signal?.throwIfAborted()
  }
  return bytesOf(model, path, options)
}

async function bytesOf(model: RemoteModel, path: string, options: RequestInit): Promise<Uint8Array> {
  const response = await ask(model, path, options)
  try {
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason
    throw unreachable(model.url, cause)
  }
}

/** Sends a request to a server. An error that it answers with is thrown here, with its code, line and code frame. @throws RemoteError */
export async function ask({ url, token }: RemoteModel, path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`${url}${path}`, {
      ...options,
      headers: {
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        'user-agent': `onnsight/${version}`,
        ...(options.headers as Record<string, string> | undefined),
      },
    })
  } catch (cause) {
    if (options.signal?.aborted) throw options.signal.reason
    throw unreachable(url, cause)
  }
  if (response.ok) return response
  const error = errorOf(response.status, await response.text())
  if (response.status === 502 || (response.status === 503 && response.headers.has('retry-after'))) passing.add(error)
  throw error
}

function errorOf(status: number, text: string): Error {
  let sent: ErrorBody['error']
  try {
    sent = (JSON.parse(text) as ErrorBody).error
  } catch {
    sent = undefined
  }
  if (typeof sent?.message === 'string')
    return restoredError({ code: 'remote', name: 'RemoteError', fix: undefined, at: undefined, message: '', ...sent })
  return new RemoteError(
    `The server answered ${status}: ${text.slice(0, 200)}`,
    'check the address: it ends in /models/NAME',
  )
}

function unreachable(url: string, cause: unknown): RemoteError {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
  const error = new RemoteError(
    `The server ${url} can’t be reached: ${reason}`,
    'check the address, and that onnsight serve runs there',
    cause,
  )
  passing.add(error)
  return error
}
