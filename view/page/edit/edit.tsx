import { useState } from 'preact/hooks'
import type { Comparison, ModelDescription, RunRequest, Token } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { Editor } from './editor.tsx'
import { ComparedOutputs, Saved } from './outputs.tsx'
import { Predictions } from './predictions.tsx'
import { suggestions } from './suggestions.ts'

interface EditProps {
  readonly model: ModelDescription
  readonly client: Client
  /** Undefined if there are no inputs yet. */
  readonly request: RunRequest | undefined
  readonly requestKey: string
  readonly tokens: readonly Token[] | undefined
  readonly path: string
  readonly text: string
  readonly onText: (text: string) => void
  /** The template that was run last. */
  readonly template: string | undefined
  readonly onTemplate: (template: string | undefined) => void
  readonly position: number | undefined
}

/** The tab with the template and the changes that it makes. */
export function EditPanel(props: EditProps) {
  const { model, client, request, requestKey, tokens, path, text, onText, template, onTemplate, position } = props
  const [runs, setRuns] = useState(0)
  const compareRequest = {
    ...request,
    template,
    ...(position === undefined || !model.logits ? {} : { position }),
  }
  const key = request && template !== undefined ? `${requestKey} ${position} ${runs}` : undefined
  const answer = useAnswer<Comparison>(client, 'compare', compareRequest, key)
  const lines = suggestions(path)
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
          Template <small>reads and changes values during the run; Ctrl+Enter runs it</small>
        </label>
        <Editor
          text={text}
          placeholder={lines.at(-1)}
          frame={text === template ? answer.error?.frame : undefined}
          onText={onText}
          onRun={run}
        />
        <div class="toolbar">
          <button type="submit" class="primary" disabled={!request || text.trim() === ''}>
            Run edit
          </button>
          {template !== undefined && (
            <button type="button" onClick={() => onTemplate(undefined)}>
              Remove edit
            </button>
          )}
          {lines.length > 0 && (
            <div class="suggestions">
              <span class="hint">Insert:</span>
              {lines.map(line => (
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
          )}
        </div>
      </form>
      {!request && <p class="empty">Run the model on an input first.</p>}
      {request && template === undefined && (
        <p class="empty">
          Run an edit to see what it changes. The tabs Module and Lens then compare it with the unedited model.
        </p>
      )}
      <Waiting
        answer={answer}
        show={({ tokens: compared, position: at, outputs, saved, printed }) => (
          <>
            {compared && <Predictions tokens={compared} position={at ?? 0} token={tokens?.[at ?? 0]} />}
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
