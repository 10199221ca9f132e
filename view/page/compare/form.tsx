import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Comparing } from '../../protocol/api.ts'
import { Switch } from '../parts/switch.tsx'
import { linesOf } from '../state/address.ts'
import type { ViewState } from '../state/view-state.ts'

interface ComparisonFormProps {
  readonly state: ViewState
  /** Whether the model takes texts. */
  readonly hasTexts: boolean
  /** Whether there is an input above. */
  readonly isReady: boolean
  readonly onRun: (comparing: Comparing) => void
  /** The elements beside the button. */
  readonly children: ComponentChildren
}

/** The form for the inputs on which both models run. */
export function ComparisonForm({ state, hasTexts, isReady, onRun, children }: ComparisonFormProps) {
  const [on, setOn] = useState<Comparing['on']>(state.comparing?.on ?? 'many')
  const [typed, setTyped] = useState(state.comparing?.texts?.join('\n') ?? '')
  const texts = linesOf(typed)
  const isComplete = on === 'many' || (on === 'input' ? isReady : texts.length > 0)
  return (
    <form
      class="edit-form"
      onSubmit={event => {
        event.preventDefault()
        if (isComplete) onRun({ on, ...(on === 'texts' ? { texts } : {}) })
      }}
    >
      <div class="toolbar">
        <Switch
          legend="Inputs on which both models run"
          name="compared-on"
          options={choices.filter(([name]) => name !== 'texts' || hasTexts)}
          chosen={on}
          onChoose={setOn}
        />
        <button type="submit" class="primary" disabled={!isComplete}>
          Compare
        </button>
        {children}
      </div>
      {on === 'texts' && (
        <>
          <label for="compared-texts" class="edit-label">
            Texts <small>one in each line</small>
          </label>
          <textarea
            id="compared-texts"
            class="code"
            rows={4}
            required
            spellcheck={false}
            value={typed}
            onInput={event => setTyped(event.currentTarget.value)}
          />
        </>
      )}
    </form>
  )
}

const choices: readonly (readonly [Comparing['on'], string])[] = [
  ['many', 'Eight that are made up'],
  ['input', 'The input above'],
  ['texts', 'Texts of your own'],
]
