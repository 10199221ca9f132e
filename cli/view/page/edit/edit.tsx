import { useState } from 'preact/hooks'
import type { Comparison, ViewedModel } from '../../api.ts'
import type { Client } from '../client.ts'
import type { Given } from '../input/input.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { ComparedOutputs, Saved } from './outputs.tsx'
import { Predictions } from './predictions.tsx'
import { suggestions } from './suggestions.ts'

interface EditProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
  readonly path: string
  readonly text: string
  readonly onText: (text: string) => void
  /** What is run. */
  readonly template: string | undefined
  readonly onTemplate: (template: string) => void
  readonly position: number | undefined
}

/** A template, and what it changes. */
export function EditPanel({ model, client, given, path, text, onText, template, onTemplate, position }: EditProps) {
  const [runs, setRuns] = useState(0)
  const request = { ...given?.request, template, ...(position === undefined || !model.logits ? {} : { position }) }
  const key = given && template !== undefined ? JSON.stringify([given.number, template, position, runs]) : undefined
  const answer = useAnswer<Comparison>(client, 'compare', request, key)
  const run = (): void => {
    if (text.trim() === '') return
    onTemplate(text)
    setRuns(runs + 1)
  }
  return (
    <section aria-label="Edit">
      <form
        class="edit-form"
        onSubmit={event => {
          event.preventDefault()
          run()
        }}
      >
        <label for="template" class="edit-label">
          Template <small>what to read and change in the run; Ctrl+Enter runs it</small>
        </label>
        <textarea
          id="template"
          class="code"
          rows={Math.min(16, Math.max(5, text.split('\n').length + 1))}
          spellcheck={false}
          placeholder={suggestions(path).at(-1)}
          value={text}
          aria-invalid={answer.error?.frame !== undefined}
          onInput={event => onText(event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
            event.preventDefault()
            run()
          }}
        />
        <div class="toolbar">
          <button type="submit" class="primary" disabled={!given || text.trim() === ''}>
            Run edit
          </button>
          <span class="hint">Insert:</span>
          {suggestions(path).map(line => (
            <button
              key={line}
              type="button"
              class="suggestion code"
              onClick={() => onText(text.trim() === '' ? line : `${text.trimEnd()}\n${line}`)}
            >
              {line}
            </button>
          ))}
        </div>
      </form>
      {!given && <p class="empty">Give the model an input first.</p>}
      <Waiting
        answer={answer}
        show={({ tokens, position: at, outputs, saved, printed }) => (
          <>
            {tokens && <Predictions tokens={tokens} position={at ?? 0} given={given?.tokens?.[at ?? 0]} />}
            {outputs && <ComparedOutputs outputs={outputs} />}
            {saved.length > 0 && <Saved saved={saved} />}
            {printed.length > 0 && (
              <>
                <h3>Printed</h3>
                <pre class="printed">{printed.join('\n')}</pre>
              </>
            )}
          </>
        )}
      />
    </section>
  )
}
