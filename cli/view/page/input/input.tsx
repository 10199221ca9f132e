import { useState } from 'preact/hooks'
import type { RunRequest, SentError, Token, Tokens, ViewedModel } from '../../api.ts'
import type { Client } from '../client.ts'
import { Problem } from '../parts/problem.tsx'
import { tokenName, tokenText } from '../parts/tokens.ts'
import { sentOf } from '../use-answer.ts'
import { Fields } from './fields.tsx'
import { emptyField, type Field, givenOf, idsIn, openDims } from './given.ts'

/** Inputs that runs are given from now on. */
export interface Given {
  readonly request: RunRequest
  /** Of a language model. */
  readonly tokens: readonly Token[] | undefined
  /** Counts up: other inputs, another number. */
  readonly number: number
}

interface InputProps {
  readonly model: ViewedModel
  readonly client: Client
  readonly given: Given | undefined
  readonly onGiven: (given: Given) => void
  readonly position: number | undefined
  readonly onPosition: (position: number) => void
}

/** What the model is given: a text or token ids, and a row for each other input. */
export function Input({ model, client, given, onGiven, position, onPosition }: InputProps) {
  const { ids, hasVocabulary } = model
  const others = model.inputs.filter(({ name, followsIds }) => name !== ids && !followsIds)
  const filledIn = model.inputs.filter(({ followsIds }) => followsIds)
  const [kind, setKind] = useState<'text' | 'ids'>(hasVocabulary ? 'text' : 'ids')
  const [texts, setTexts] = useState({ text: '', ids: '' })
  const [fields, setFields] = useState(() => Object.fromEntries(others.map(input => [input.name, emptyField(input)])))
  const [dims, setDims] = useState(() => openDims(others))
  const [error, setError] = useState<SentError>()

  const run = async (): Promise<void> => {
    setError(undefined)
    try {
      const named = others.map(({ name }) => [name, givenOf(name, fields[name])] as const)
      let tokens: readonly Token[] | undefined
      let rows: number[][] | undefined
      if (ids !== undefined) {
        if (kind === 'ids') rows = idsIn(texts.ids)
        // Of several rows the first is looked at.
        const asked = rows ? { ids: rows[0] } : { text: texts.text }
        tokens = (await client.ask<Tokens>('tokens', asked)).tokens
        if (tokens.length === 0) throw new Error('Type a text.')
        rows ??= [tokens.map(({ id }) => id)]
      }
      const inputs = {
        ...Object.fromEntries(named),
        ...(ids !== undefined && rows ? { [ids]: { json: rows } } : {}),
      }
      const made = new Set(
        openDims(others.filter(({ name }) => 'made' in (inputs[name] ?? {}))).map(({ name }) => name),
      )
      const sizes = Object.fromEntries(dims.filter(({ name }) => made.has(name)).map(({ name, size }) => [name, size]))
      onGiven({ request: { inputs, dims: sizes }, tokens, number: (given?.number ?? 0) + 1 })
    } catch (failed) {
      setError(
        failed instanceof Error && !('sent' in failed) ? { code: 'page', message: failed.message } : sentOf(failed),
      )
    }
  }
  return (
    <section class="input-pane" aria-label="Input">
      <form
        onSubmit={event => {
          event.preventDefault()
          void run()
        }}
      >
        <div class="input-row">
          {ids !== undefined && hasVocabulary && (
            <fieldset class="switch">
              <legend class="hidden">What is typed</legend>
              {(['text', 'ids'] as const).map(one => (
                <label key={one}>
                  <input type="radio" name="input-kind" checked={kind === one} onChange={() => setKind(one)} />
                  <span>{one === 'text' ? 'Text' : 'Token ids'}</span>
                </label>
              ))}
            </fieldset>
          )}
          {ids !== undefined && (
            <input
              key={kind}
              class="code grows"
              type="text"
              autocomplete="off"
              spellcheck={false}
              aria-label={kind === 'text' ? 'Text' : `Token ids (${ids})`}
              placeholder={kind === 'text' ? 'Type a text and press Enter' : 'Token ids, and Enter: 18, 47, 56'}
              value={texts[kind]}
              onInput={event => setTexts({ ...texts, [kind]: event.currentTarget.value })}
            />
          )}
          {ids === undefined && others.length > 0 && (
            <Fields
              inputs={others}
              fields={fields}
              onChange={(name, field: Field) => setFields({ ...fields, [name]: field })}
            />
          )}
          <button type="submit" class="primary">
            Run
          </button>
        </div>
        {ids !== undefined && others.length > 0 && (
          <Fields
            inputs={others}
            fields={fields}
            onChange={(name, field: Field) => setFields({ ...fields, [name]: field })}
          />
        )}
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
                    const typed = event.currentTarget.valueAsNumber
                    setDims(dims.map(dim => (dim.name === name ? { name, size: typed } : dim)))
                  }}
                />
              </label>
            ))}
          </div>
        )}
        {filledIn.length > 0 && <p class="hint">Filled in from the ids: {namesOf(filledIn.map(({ name }) => name))}</p>}
      </form>
      {error && <Problem error={error} />}
      {given?.tokens && (
        <fieldset class="tokens">
          <legend class="hidden">Tokens: the one that values and predictions are shown of</legend>
          {given.tokens.map((token, at) => (
            <button key={at} type="button" class="token" aria-pressed={at === position} onClick={() => onPosition(at)}>
              <span class="hidden">{`Token ${at}: ${tokenName(token)}`}</span>
              <small aria-hidden="true">{at}</small>
              <span class="token-text" aria-hidden="true">
                {tokenText(token)}
              </span>
            </button>
          ))}
        </fieldset>
      )}
    </section>
  )
}

/** Caches come by the dozen. */
const namesOf = (names: readonly string[]): string =>
  names.length > 6 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ')
