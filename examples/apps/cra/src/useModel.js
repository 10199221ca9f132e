import { load } from 'onnsight'
import { useEffect, useState } from 'react'

/** Loads the model once, and its characters; tells how far it is. */
export function useModel(folder) {
  const [state, setState] = useState({ progress: 0 })
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (done, total, what) => {
      if (what === 'fetched') setState({ progress: done / total })
    }
    Promise.all([
      load(`${folder}/chars.onnx`, { onProgress, signal }),
      fetch(`${folder}/chars.vocab.json`, { signal }).then(response => response.json()),
    ])
      .then(([model, { chars }]) => setState({ model, chars }))
      .catch(error => {
        if (!signal.aborted) setState({ error })
      })
    return () => controller.abort()
  }, [folder])
  return state
}
