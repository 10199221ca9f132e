import { useEffect, useState } from 'react'
import { Lens } from './Lens'
import { look, type Seen } from './look'
import { Pattern } from './Pattern'
import { useModel } from './useModel'

const MOST = 24

interface Shown extends Seen {
  readonly tokens: readonly string[]
  readonly chars: readonly string[]
}

export function App() {
  const { opened, progress, error } = useModel(`${process.env.PUBLIC_URL}/models`)
  const [text, setText] = useState('First Citizen: we are')
  const [seen, setSeen] = useState<Shown>()
  const [failed, setFailed] = useState<Error>()

  useEffect(() => {
    if (!opened) return
    const { model, chars } = opened
    let isCurrent = true
    const ids = Array.from(text, char => chars.indexOf(char)).filter(id => id >= 0)
    if (ids.length === 0) {
      setSeen(undefined)
      return
    }
    look(model, ids).then(
      found => isCurrent && setSeen({ ...found, tokens: ids.map(id => chars[id]), chars }),
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
        A small model of Shakespeare’s characters runs in this page. What you type goes through it, and onnsight reads
        what happens on the way.
      </p>
      <label htmlFor="text">Text</label>
      <input
        id="text"
        value={text}
        maxLength={MOST}
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
      {seen && (
        <>
          <Pattern patterns={seen.patterns} tokens={seen.tokens} />
          <Lens lens={seen.lens} tokens={seen.tokens} chars={seen.chars} />
        </>
      )}
    </main>
  )
}
