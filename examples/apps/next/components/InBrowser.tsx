'use client'

import { load, type Model } from 'onnsight'
import { useEffect, useState } from 'react'
import { look, type Readings } from '../lib/look'
import { EXAMPLE, MAX_LENGTH } from '../lib/text'
import { Lens } from './Lens'
import { Pattern } from './Pattern'

/** Loads the model into the page, and runs it whenever the text changes. */
export function InBrowser({ folder }: { readonly folder: string }) {
  const [opened, setOpened] = useState<{ model: Model; chars: string[] }>()
  const [progress, setProgress] = useState(0)
  const [text, setText] = useState(EXAMPLE)
  const [readings, setReadings] = useState<Readings>()
  const [problem, setProblem] = useState<Error>()

  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (done: number, total: number, what: string): void => {
      if (what === 'fetched') setProgress(done / total)
    }
    Promise.all([
      load(`${folder}/chars.onnx`, { onProgress, signal }),
      fetch(`${folder}/chars.vocab.json`, { signal }).then(response => response.json() as Promise<{ chars: string[] }>),
    ])
      .then(([model, { chars }]) => setOpened({ model, chars }))
      .catch((error: Error) => {
        if (!signal.aborted) setProblem(error)
      })
    return () => controller.abort()
  }, [folder])

  useEffect(() => {
    if (!opened || text === '') return undefined
    let isCurrent = true
    look(opened.model, opened.chars, text).then(
      found => isCurrent && setReadings(found),
      (error: Error) => isCurrent && setProblem(error),
    )
    return () => {
      isCurrent = false
    }
  }, [opened, text])

  return (
    <>
      <label htmlFor="text">Text, at most {MAX_LENGTH} characters</label>
      <input
        id="text"
        value={text}
        maxLength={MAX_LENGTH}
        spellCheck="false"
        onChange={event => setText(event.target.value)}
      />
      {problem && (
        <p role="alert" className="problem">
          {problem.message}
        </p>
      )}
      {!opened && !problem && (
        <p className="loading">
          <label htmlFor="progress">Loading the model</label> <progress id="progress" value={progress} />
        </p>
      )}
      {readings && (
        <>
          <Pattern patterns={readings.patterns} tokens={readings.tokens} />
          <Lens lens={readings.lens} tokens={readings.tokens} />
        </>
      )}
    </>
  )
}
