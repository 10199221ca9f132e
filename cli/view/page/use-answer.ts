import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentError } from '../api.ts'
import { AnswerError, type Client, Superseded } from './client.ts'

export interface Answer<R> {
  /** The last one: it stays while the next is waited for. */
  readonly value?: R
  readonly error?: SentError
  readonly isLoading: boolean
}

/** The answer to a request, asked for anew whenever `key` changes; without a key nothing is asked. */
export function useAnswer<R>(client: Client, name: string, body: unknown, key: string | undefined): Answer<R> {
  const [answer, setAnswer] = useState<Answer<R>>({ isLoading: false })
  const latest = useRef<string | undefined>(undefined)
  useEffect(() => {
    latest.current = key
    if (key === undefined) return setAnswer({ isLoading: false })
    setAnswer(({ value }) => ({ ...(value === undefined ? {} : { value }), isLoading: true }))
    client.ask<R>(name, body).then(
      value => {
        if (latest.current === key) setAnswer({ value, isLoading: false })
      },
      (error: unknown) => {
        if (latest.current === key && !(error instanceof Superseded))
          setAnswer({ error: sentOf(error), isLoading: false })
      },
    )
  }, [key])
  return answer
}

export function sentOf(error: unknown): SentError {
  return error instanceof AnswerError ? error.sent : { code: 'page', message: String(error) }
}
