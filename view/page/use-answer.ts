import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentError } from '../protocol/api.ts'
import { AnswerError, type Client, Superseded } from './client.ts'

export interface Answer<R> {
  /** The last one: it stays while the next is waited for. */
  readonly value?: R
  readonly error?: SentError
  readonly isLoading: boolean
}

/** What has come, and to which key. */
interface Come<R> {
  readonly key?: string
  readonly value?: R
  readonly error?: SentError
}

/** The answer to a request, asked for anew whenever `key` changes; without a key nothing is asked. */
export function useAnswer<R>(client: Client, name: string, body: unknown, key: string | undefined): Answer<R> {
  const [come, setCome] = useState<Come<R>>({})
  const latest = useRef<string | undefined>(undefined)
  useEffect(() => {
    latest.current = key
    if (key === undefined) return setCome({})
    const isDue = (): boolean => latest.current === key
    client.ask<R>(name, body).then(
      value => {
        if (isDue()) setCome({ key, value })
      },
      (error: unknown) => {
        if (isDue() && !(error instanceof Superseded)) setCome({ key, error: sentOf(error) })
      },
    )
  }, [key])
  const isLoading = key !== undefined && come.key !== key
  return {
    ...(come.value === undefined || key === undefined ? {} : { value: come.value }),
    ...(come.error && !isLoading ? { error: come.error } : {}),
    isLoading,
  }
}

export function sentOf(error: unknown): SentError {
  return error instanceof AnswerError ? error.sent : { code: 'page', message: String(error) }
}
