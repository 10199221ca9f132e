import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentError } from '../protocol/api.ts'
import { AnswerError, type Client, Superseded } from './client.ts'

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
  const [received, setReceived] = useState<Received<R>>({})
  const latest = useRef<string | undefined>(undefined)
  useEffect(() => {
    latest.current = key
    if (key === undefined) return setReceived({})
    const isLatest = (): boolean => latest.current === key
    client.ask<R>(name, body).then(
      value => {
        if (isLatest()) setReceived({ key, value })
      },
      (error: unknown) => {
        if (isLatest() && !(error instanceof Superseded)) setReceived({ key, error: toSentError(error) })
      },
    )
  }, [key])
  const isLoading = key !== undefined && received.key !== key
  return {
    ...(received.value === undefined || key === undefined ? {} : { value: received.value }),
    ...(received.error && !isLoading ? { error: received.error } : {}),
    isLoading,
  }
}

/** The error to show for a failed request. */
export function toSentError(error: unknown): SentError {
  return error instanceof AnswerError ? error.sent : { code: 'page', message: String(error) }
}
