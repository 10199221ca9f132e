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
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause)
    throw new RemoteError(
      `The server ${url} can’t be reached: ${reason}`,
      'check the address, and that onnsight serve runs there',
      cause,
    )
  }
  if (response.ok) return response
  const text = await response.text()
  let sent: ErrorBody['error']
  try {
    sent = (JSON.parse(text) as ErrorBody).error
  } catch {
    sent = undefined
  }
  if (typeof sent?.message === 'string')
    throw restoredError({ code: 'remote', name: 'RemoteError', fix: undefined, at: undefined, message: '', ...sent })
  throw new RemoteError(
    `The server answered ${response.status}: ${text.slice(0, 200)}`,
    'check the address: it ends in /models/NAME',
  )
}
