import { useEffect, useState } from 'react'
import { Lens } from './Lens'
import { look, type Readings } from './look'
import { Pattern } from './Pattern'
import { useModel } from './useModel'

/** The longest text, in characters. */
const MAX_LENGTH = 24

interface ShownReadings extends Readings {
  readonly tokens: readonly string[]
  readonly chars: readonly string[]
}

export function App() {
  const { opened, progress, error } = useModel(`${process.env.PUBLIC_URL}/models`)
  const [text, setText] = useState('First Citizen: we are')
  const [readings, setReadings] = useState<ShownReadings>()
  const [failed, setFailed] = useState<Error>()

  useEffect(() => {
    if (!opened) return
    const { model, chars } = opened
    let isCurrent = true
    const ids = Array.from(text, char => chars.indexOf(char)).filter(id => id >= 0)
    if (ids.length === 0) {
      setReadings(undefined)
      return
    }
    look(model, ids).then(
      found => isCurrent && setReadings({ ...found, tokens: ids.map(id => chars[id]), chars }),
      (reason: Error) => isCurrent && setFailed(reason),
    )
    return () => {
      isCurrent = false
    }
  }, [opened, text])

  const problem = error ?? failed
  return (
    <main>
      <h1>Inside a language model</h1>
      <p className="lead">
        A small model, trained on Shakespeare’s characters, runs in this page on what you type, and onnsight reads its
        attention patterns and the output of each layer.
      </p>
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
          <Lens lens={readings.lens} tokens={readings.tokens} chars={readings.chars} />
        </>
      )}
    </main>
  )
}
