import { useState } from 'preact/hooks'
import type { LensPath } from '../../protocol/api.ts'
import { GenerationFields } from '../generate/fields.tsx'
import { Text } from '../generate/text.tsx'
import { useGenerated } from '../generate/use-generated.ts'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { linesOf } from '../state/address.ts'
import { initialGeneration } from '../state/view-state.ts'
import { Strength } from './strength.tsx'

/** The tab that steers: it takes a direction from two lists of texts, and shows what the model writes with and without it. */
export function SteerPanel(props: PanelProps) {
  const { model } = props
  const refused =
    model.logits === undefined || !model.hasVocabulary
      ? 'Steering needs a model of texts with logits.'
      : 'reason' in model.lens
        ? model.lens.reason
        : undefined
  if (refused === undefined) return <Steering {...props} layers={(model.lens as LensPath).layers} />
  return (
    <section aria-label="Steer">
      <p class="empty">{refused}</p>
    </section>
  )
}

function Steering(props: PanelProps & { readonly layers: readonly string[] }) {
  const { client, runInputs, state, change, request, requestKey, tokens = [], layers } = props
  const { steering } = state
  const [typed, setTyped] = useState(state.generation ?? initialGeneration)
  const [lists, setLists] = useState({
    towards: steering?.towards.join('\n') ?? '',
    away: steering?.away.join('\n') ?? '',
  })
  const [layer, setLayer] = useState(steering?.layer ?? Math.floor(layers.length / 2))
  const [strength, setStrength] = useState(steering?.strength ?? 2)
  const [runs, setRuns] = useState(0)
  const generation = state.generation ?? typed
  const key = runInputs && steering && `${requestKey} ${JSON.stringify(generation)} ${runs}`
  const plain = useGenerated(client, 'generate', { ...request, ...generation }, key)
  const steerRequest = { ...request, ...generation, ...steering! }
  const steered = useGenerated(client, 'steer', steerRequest, key && `${key} ${JSON.stringify(steering)}`)
  const [towards, away] = [linesOf(lists.towards), linesOf(lists.away)]
  const error = plain.error ?? steered.error
  return (
    <section aria-label="Steer" aria-busy={plain.isRunning || steered.isRunning}>
      <form
        class="edit-form"
        onSubmit={event => {
          event.preventDefault()
          change({ steering: { towards, away, layer, strength }, generation: typed })
          setRuns(runs + 1)
        }}
      >
        <div class="side-by-side">
          {sides.map(([name, label, example]) => (
            <div key={name} class="edit-form">
              <label for={name} class="edit-label">
                {label} <small>one text a line; its last token is read</small>
              </label>
              <textarea
                id={name}
                class="code"
                rows={4}
                required
                spellcheck={false}
                placeholder={example}
                value={lists[name]}
                onInput={event => setLists({ ...lists, [name]: event.currentTarget.value })}
              />
            </div>
          ))}
        </div>
        <div class="toolbar steering">
          <label>
            after layer
            <select value={layer} onChange={event => setLayer(Number(event.currentTarget.value))}>
              {layers.map((path, at) => (
                <option key={path} value={at}>
                  {at} · {path}
                </option>
              ))}
            </select>
          </label>
          <Strength
            value={strength}
            onMove={setStrength}
            onSet={to => {
              setStrength(to)
              if (steering) change({ steering: { ...steering, strength: to } })
            }}
          />
          <GenerationFields typed={typed} onType={setTyped} />
          <button type="submit" class="primary" disabled={!runInputs || towards.length === 0 || away.length === 0}>
            Steer
          </button>
        </div>
      </form>
      {error && <Problem error={error} />}
      {steering && runInputs ? (
        <div class="side-by-side">
          <Text name="unedited" title="Without steering" prompt={tokens} written={plain.sides.unedited} />
          <Text
            name="edited"
            title={`Steered after layer ${steering.layer}, strength ${steering.strength}`}
            prompt={tokens}
            written={steered.sides.edited}
          />
        </div>
      ) : (
        <p class="hint">
          The direction is the mean of the first texts minus that of the second ones, in the residual stream after a
          layer. It is added at every token, as often as the strength says.
        </p>
      )}
    </section>
  )
}

const sides = [
  ['towards', 'Towards', 'I love this\nWhat a joy'],
  ['away', 'Away from', 'I hate this\nWhat a pain'],
] as const
