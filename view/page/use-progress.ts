import type { ProgressPart, SentError } from '../protocol/api.ts'
import type { Client } from './client.ts'
import { useRequest } from './use-request.ts'

/** How far a request has come that takes a while. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly secondsLeft: number
}

interface InSteps<R> {
  /** The last result, which stays while the next one is made. */
  readonly result?: R
  /** Is there while the request runs. */
  readonly progress?: Progress
  readonly error?: SentError
}

/** Sends a request that reports its steps again whenever `key` changes, and returns its state. Without a key it sends nothing. */
export function useProgress<R>(client: Client, name: string, body: unknown, key: string | undefined): InSteps<R> {
  return useRequest<InSteps<R>, ProgressPart<R>>(
    client,
    name,
    body,
    key,
    {},
    {
      started: ({ result }) => ({
        ...(result === undefined ? {} : { result }),
        progress: { done: 0, total: 1, secondsLeft: 0 },
      }),
      part: (before, { done = 0, total = 1, secondsLeft = 0, result }) =>
        result === undefined ? { ...before, progress: { done, total, secondsLeft } } : { result },
      failed: (_, error) => ({ error }),
    },
  )
}
