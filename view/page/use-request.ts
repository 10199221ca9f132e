import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentError } from '../protocol/api.ts'
import { AnswerError, type Client, Superseded } from './client.ts'

/** Functions that change the state of a request while it runs. Each returns the new state from the one before. */
interface Steps<S, P, R> {
  /** Is called when the request is sent. */
  readonly started?: (before: S) => S
  /** Is called for each part of an answer that comes in parts. */
  readonly part?: (before: S, part: P) => S
  readonly ended?: (before: S, value: R) => S
  readonly failed: (before: S, error: SentError) => S
}

/** Sends a request again whenever `key` changes, and returns the state of the last one. Without a key it sends nothing. */
export function useRequest<S, P = never, R = unknown>(
  client: Client,
  name: string,
  body: unknown,
  key: string | undefined,
  initial: S,
  { started, part, ended, failed }: Steps<S, P, R>,
): S {
  const [state, setState] = useState(initial)
  const latest = useRef<string | undefined>(undefined)
  useEffect(() => {
    latest.current = key
    if (key === undefined) return setState(initial)
    const update = (step: (before: S) => S): void => {
      if (latest.current === key) setState(step)
    }
    if (started) update(started)
    client.ask<R>(name, body, part && (one => update(before => part(before, one as P)))).then(
      value => ended && update(before => ended(before, value)),
      (error: unknown) => {
        if (!(error instanceof Superseded)) update(before => failed(before, toSentError(error)))
      },
    )
  }, [key])
  return state
}

/** The error to show for a failed request. */
export function toSentError(error: unknown): SentError {
  return error instanceof AnswerError ? error.sent : { code: 'page', message: String(error) }
}
