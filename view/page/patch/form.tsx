import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { PatchedPart, Token } from '../../protocol/api.ts'
import { Switch } from '../parts/switch.tsx'
import type { Change } from '../state/use-view-state.ts'
import type { ViewState } from '../state/view-state.ts'

const parts = [
  ['residual', 'Residual stream'],
  ['attention', 'Attention'],
  ['mlp', 'MLP'],
  ['head', 'Heads'],
] as const

/** The parts of a head that can be patched. */
const headParts = [
  ['head', 'their mixes of values'],
  ['query', 'queries'],
  ['key', 'keys'],
  ['value', 'values'],
  ['pattern', 'patterns'],
] as const

const isOfHeads = (part: PatchedPart): boolean => headParts.some(([name]) => name === part)

interface PatchFormProps {
  readonly state: ViewState
  readonly change: Change
  /** The tokens of the clean text. */
  readonly tokens: readonly Token[]
  /** How many layers the model has. */
  readonly layers: number
  readonly isReady: boolean
  readonly onRun: () => void
  /** The elements beside the choices. */
  readonly children: ComponentChildren
}

/** The form for the other text, and for what is patched and measured. */
export function PatchForm({ state, change, tokens, layers, isReady, onRun, children }: PatchFormProps) {
  const { part } = state
  const [typed, setTyped] = useState(state.corrupted ?? '')
  const [answers, setAnswers] = useState(state.answers ?? (['', ''] as const))
  const [[first, last], setRange] = useState(state.layers ?? ([0, layers - 1] as const))
  const isWhole = first === 0 && last === layers - 1
  const choose = (chosen: PatchedPart): void => change({ part: chosen, patched: undefined })
  const layerField = (value: number, label: string, onValue: (value: number) => void) => (
    <input
      type="number"
      aria-label={label}
      required
      min={0}
      max={layers - 1}
      value={value}
      onInput={event => onValue(event.currentTarget.valueAsNumber || 0)}
    />
  )
  return (
    <form
      class="edit-form"
      onSubmit={event => {
        event.preventDefault()
        change({
          corrupted: typed,
          answers: answers.some(text => text !== '') ? answers : undefined,
          layers: isWhole ? undefined : [first, last],
          patched: undefined,
        })
        onRun()
      }}
    >
      <label for="corrupted" class="edit-label">
        Corrupted text <small>as many tokens as the text above, which is the clean one</small>
      </label>
      <div class="input-row">
        <input
          id="corrupted"
          class="code grows"
          type="text"
          required
          autocomplete="off"
          spellcheck={false}
          value={typed}
          placeholder={tokens.map(({ text }) => text ?? '').join('')}
          onInput={event => setTyped(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={!isReady}>
          Patch
        </button>
      </div>
      <div class="toolbar patch-choices">
        <Switch
          legend="What is patched"
          name="part"
          options={parts}
          chosen={isOfHeads(part) ? 'head' : (part as 'mlp')}
          onChoose={choose}
        />
        {isOfHeads(part) && (
          <label>
            of heads
            <select value={part} onChange={event => choose(event.currentTarget.value as PatchedPart)}>
              {headParts.map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        )}
        {children}
      </div>
      <div class="toolbar patch-choices">
        <span class="range">
          layers {layerField(first, 'first layer', value => setRange([value, last]))} to{' '}
          {layerField(last, 'last layer', value => setRange([first, value]))}
        </span>
        {answerNames.map((name, i) => (
          <label key={name}>
            {name}
            <input
              class="code"
              type="text"
              autocomplete="off"
              spellcheck={false}
              placeholder="predicted"
              value={answers[i]}
              onInput={event => {
                const { value } = event.currentTarget
                setAnswers(i === 0 ? [value, answers[1]] : [answers[0], value])
              }}
            />
          </label>
        ))}
      </div>
    </form>
  )
}

const answerNames = ['answer', 'instead of'] as const
