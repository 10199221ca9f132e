import { useState } from 'preact/hooks'
import type { ModelDescription, SentError } from '../../protocol/api.ts'
import { emptyField, type Field, type InputForm, openDims, otherInputs, type RunInputs } from '../../protocol/form.ts'
import { Problem } from '../parts/problem.tsx'
import { Switch } from '../parts/switch.tsx'
import { Fields } from './fields.tsx'
import { TokenStrip } from './token-strip.tsx'
import { useTyped } from './use-typed.ts'

interface InputProps {
  readonly model: ModelDescription
  readonly runInputs: RunInputs | undefined
  readonly error: SentError | undefined
  /** The form that was run last, which the fields show at first. */
  readonly form: InputForm | undefined
  readonly onRun: (form: InputForm) => void
  /** Is called with a text while it is typed. */
  readonly onTyped: (form: InputForm) => void
  /** How long the last run took with all that is shown, in ms. */
  readonly duration: () => number
  readonly batch: number
  readonly onBatch: (row: number) => void
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
}

const kinds = [
  ['text', 'Text'],
  ['ids', 'Token ids'],
] as const

/** The form for the model’s inputs: a text or token ids, and a row for each other input. */
export function Input({
  model,
  runInputs,
  error,
  form,
  onRun,
  onTyped,
  duration,
  batch,
  onBatch,
  position,
  onPosition,
}: InputProps) {
  const { ids, hasVocabulary } = model
  const others = otherInputs(model)
  const derived = model.inputs.filter(({ followsIds }) => followsIds)
  const [kind, setKind] = useState<'text' | 'ids'>(hasVocabulary ? (form?.kind ?? 'text') : 'ids')
  const [texts, setTexts] = useState({ text: '', ids: '', ...(form ? { [form.kind]: form.text } : {}) })
  const [fields, setFields] = useState<Readonly<Record<string, Field>>>(() => ({
    ...Object.fromEntries(others.map(input => [input.name, emptyField(model, input)])),
    ...form?.fields,
  }))
  const [dims, setDims] = useState(() =>
    openDims(others).map(({ name, size }) => ({ name, size: form?.dims[name] ?? size })),
  )
  const typing = useTyped(duration)
  const formWith = (text: string): InputForm => ({
    kind,
    text,
    fields,
    dims: Object.fromEntries(dims.map(({ name, size }) => [name, size])),
  })
  const run = (): void => {
    typing.cancel()
    onRun(formWith(ids === undefined ? '' : texts[kind]))
  }
  const fieldRows = (
    <Fields
      model={model}
      inputs={others}
      fields={fields}
      onChange={(name, field) => setFields({ ...fields, [name]: field })}
    />
  )
  return (
    <section class="input-pane" aria-label="Input">
      <form
        onSubmit={event => {
          event.preventDefault()
          run()
        }}
      >
        <div class="input-row">
          {ids !== undefined && hasVocabulary && (
            <Switch legend="Kind of input" name="input-kind" options={kinds} chosen={kind} onChoose={setKind} />
          )}
          {ids === 'decoder_input_ids' && <span class="field-name">{ids}</span>}
          {ids !== undefined && (
            <input
              key={kind}
              id="input-text"
              class="code grows"
              type="text"
              autocomplete="off"
              spellcheck={false}
              aria-label={kind === 'text' ? 'Text' : `Token ids (${ids})`}
              placeholder={
                kind === 'text'
                  ? 'Type a text and press Enter'
                  : 'Token ids, and Enter: 18, 47, 56 or [[18, 47], [56, 57]]'
              }
              value={texts[kind]}
              onInput={event => {
                const { value } = event.currentTarget
                setTexts({ ...texts, [kind]: value })
                typing.typed(() => value.trim() !== '' && onTyped(formWith(value)))
              }}
            />
          )}
          {ids !== undefined && typing.isOn !== undefined && (
            <label class="check" title="Runs the model while you type, if that is quick">
              <input
                type="checkbox"
                checked={typing.isOn}
                onChange={event => typing.turn(event.currentTarget.checked)}
              />
              as I type
            </label>
          )}
          {ids === undefined && others.length > 0 && fieldRows}
          <button type="submit" class="primary">
            Run
          </button>
        </div>
        {typing.tooLong !== undefined && (
          <p class="hint">
            What is shown takes {(typing.tooLong / 1000).toFixed(1)} s, so it does not follow each key. Press Enter.
          </p>
        )}
        {ids !== undefined && others.length > 0 && fieldRows}
        {dims.length > 0 && (
          <div class="dims">
            {dims.map(({ name, size }) => (
              <label key={name}>
                {name}
                <input
                  type="number"
                  min={1}
                  required
                  value={size}
                  onInput={event => {
                    const chosen = event.currentTarget.valueAsNumber
                    setDims(dims.map(dim => (dim.name === name ? { name, size: chosen } : dim)))
                  }}
                />
              </label>
            ))}
          </div>
        )}
        {ids !== undefined && !hasVocabulary && (
          <p class="hint">
            Start the command with <span class="code">--vocab tokenizer.json</span> to type texts.
          </p>
        )}
        {derived.length > 0 && <p class="hint">Filled in from the ids: {namesOf(derived.map(({ name }) => name))}</p>}
      </form>
      {error && <Problem error={error} />}
      {runInputs?.rows && (
        <TokenStrip rows={runInputs.rows} batch={batch} onBatch={onBatch} position={position} onPosition={onPosition} />
      )}
    </section>
  )
}

/** Lists names, but not all if there are many: a model with a cache has dozens of inputs. */
const namesOf = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ')
