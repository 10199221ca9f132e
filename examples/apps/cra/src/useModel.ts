import { load, type Model } from 'onnsight'
import { useEffect, useState } from 'react'

interface Opened {
  readonly model: Model
  readonly chars: readonly string[]
}

interface State {
  readonly opened?: Opened
  /** How much of the model is loaded, from 0 to 1. */
  readonly progress?: number
  readonly error?: Error
}

/** Loads the model and its characters once, and reports the progress. */
export function useModel(folder: string): State {
  const [state, setState] = useState<State>({ progress: 0 })
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (done: number, total: number, what: string): void => {
      if (what === 'fetched') setState({ progress: done / total })
    }
    Promise.all([
      load(`${folder}/chars.onnx`, { onProgress, signal }),
      fetch(`${folder}/chars.vocab.json`, { signal }).then(response => response.json() as Promise<{ chars: string[] }>),
    ])
      .then(([model, { chars }]) => setState({ opened: { model, chars } }))
      .catch((error: Error) => {
        if (!signal.aborted) setState({ error })
      })
    return () => controller.abort()
  }, [folder])
  return state
}
