import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentError, ViewedModel } from '../../protocol/api.ts'
import { type Client, Superseded } from '../client.ts'
import type { Typed } from '../look/look.ts'
import { sentOf } from '../use-answer.ts'
import { type Given, givenOf } from './given.ts'

/** What is typed, made ready for runs, anew whenever it or `runs` changes. */
export function useGiven(
  model: ViewedModel,
  client: Client,
  typed: Typed | undefined,
  runs: number,
): { given?: Given; error?: SentError } {
  const [state, setState] = useState<{ given?: Given; error?: SentError }>({})
  const number = useRef(0)
  useEffect(() => {
    const own = ++number.current
    if (!typed) return setState({})
    const isDue = (): boolean => own === number.current
    givenOf(model, client, typed).then(
      given => isDue() && setState({ given: { ...given, number: own } }),
      (error: unknown) => {
        if (isDue() && !(error instanceof Superseded)) setState(before => ({ ...before, error: problemOf(error) }))
      },
    )
  }, [typed, runs])
  return state
}

/** What the page itself says has no code of the command. */
const problemOf = (error: unknown): SentError =>
  error instanceof Error && !('sent' in error) ? { code: 'page', message: error.message } : sentOf(error)
