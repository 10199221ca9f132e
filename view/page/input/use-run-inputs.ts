import { useEffect, useRef, useState } from 'preact/hooks'
import type { ModelDescription, SentError } from '../../protocol/api.ts'
import { type InputForm, type RunInputs, readForm } from '../../protocol/form.ts'
import { type Client, Superseded } from '../client.ts'
import { toSentError } from '../use-request.ts'

/** Converts the form to the inputs of runs, again whenever the form or `runs` changes. */
export function useRunInputs(
  model: ModelDescription,
  client: Client,
  form: InputForm | undefined,
  runs: number,
): { runInputs?: RunInputs; error?: SentError } {
  const [state, setState] = useState<{ runInputs?: RunInputs; error?: SentError }>({})
  const number = useRef(0)
  useEffect(() => {
    const own = ++number.current
    if (!form) return setState({})
    const isLatest = (): boolean => own === number.current
    readForm(model, client, form).then(
      runInputs => isLatest() && setState({ runInputs: { ...runInputs, number: own } }),
      (error: unknown) => {
        if (isLatest() && !(error instanceof Superseded)) setState(before => ({ ...before, error: problemOf(error) }))
      },
    )
  }, [form, runs])
  return state
}

/** The error to show. An error of the page itself has no code from the server. */
const problemOf = (error: unknown): SentError =>
  error instanceof Error && !('sent' in error) ? { code: 'page', message: error.message } : toSentError(error)
