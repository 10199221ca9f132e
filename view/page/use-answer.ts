import type { SentError } from '../protocol/api.ts'
import type { Client } from './client.ts'
import { useRequest } from './use-request.ts'

export interface Answer<R> {
  /** The last answer, which stays while the next one is loading. */
  readonly value?: R
  readonly error?: SentError
  readonly isLoading: boolean
}

/** The answer or error that was received, and the key of its request. */
interface Received<R> {
  readonly key?: string
  readonly value?: R
  readonly error?: SentError
}

/** Sends a request again whenever `key` changes, and returns its answer. Without a key it sends nothing. */
export function useAnswer<R>(client: Client, name: string, body: unknown, key: string | undefined): Answer<R> {
  const own = key === undefined ? {} : { key }
  const received = useRequest<Received<R>, never, R>(
    client,
    name,
    body,
    key,
    {},
    {
      ended: (_, value) => ({ ...own, value }),
      failed: (_, error) => ({ ...own, error }),
    },
  )
  const isLoading = key !== undefined && received.key !== key
  return {
    ...(received.value === undefined || key === undefined ? {} : { value: received.value }),
    ...(received.error && !isLoading ? { error: received.error } : {}),
    isLoading,
  }
}
