import { useState } from 'preact/hooks'
import type { PatchedView, PatchPart, PatchRequest, SentError } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { PanelProps } from '../panel-props.ts'
import { HeatMap } from '../parts/heat-map.tsx'
import { show } from '../parts/numbers.ts'
import { Problem } from '../parts/problem.tsx'
import { Switch } from '../parts/switch.tsx'
import { tokenText } from '../parts/tokens.ts'
import { useRequest } from '../use-request.ts'

const parts = [
  ['residual', 'Residual stream'],
  ['attention', 'Attention'],
  ['mlp', 'MLP'],
] as const

/** The tab in which activations of the text above are put into the run of another text, layer by layer and position by position. */
export function PatchPanel({ client, runInputs, state, change, request, requestKey, tokens }: PanelProps) {
  const { corrupted, part } = state
  const [typed, setTyped] = useState(corrupted ?? '')
  const [runs, setRuns] = useState(0)
  const key = runInputs && corrupted ? `${requestKey} ${JSON.stringify([corrupted, part])} ${runs}` : undefined
  const { result, progress, error } = usePatched(client, { ...request, corrupted: corrupted ?? '', part }, key)
  const isRunning = progress !== undefined
  return (
    <section aria-label="Patch" aria-busy={isRunning}>
      <form
        class="edit-form"
        onSubmit={event => {
          event.preventDefault()
          change({ corrupted: typed })
          setRuns(runs + 1)
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
            placeholder={(tokens ?? []).map(({ text }) => text ?? '').join('')}
            onInput={event => setTyped(event.currentTarget.value)}
          />
          <button type="submit" class="primary" disabled={!runInputs}>
            Patch
          </button>
        </div>
        <div class="toolbar">
          <Switch
            legend="What is patched"
            name="part"
            options={parts}
            chosen={part}
            onChoose={chosen => change({ part: chosen })}
          />
          {progress && (
            <>
              <progress max={progress.total} value={progress.done} aria-label="Layers that are done" />
              <button type="button" onClick={() => client.cancel()}>
                Stop
              </button>
            </>
          )}
        </div>
      </form>
      {error && <Problem error={error} />}
      {result && <PatchedMap result={result} isStale={isRunning} />}
    </section>
  )
}

function PatchedMap({ result, isStale }: { result: PatchedView; isStale: boolean }) {
  const { layers, tokens, recovered, values, clean, corrupted, answers } = result
  const texts = tokens.map(([a, b]) => (a.id === b.id ? tokenText(a) : `${tokenText(a)}/${tokenText(b)}`))
  const [answer, other] = answers.map(tokenText)
  return (
    <div class={isStale ? 'stale' : undefined}>
      <p class="verdict">
        The logit of “{answer}” minus that of “{other}” is {show(clean)} in the clean run and {show(corrupted)} in the
        corrupted one. Each cell is the share that comes back when this activation of the clean run is put in: 0 none, 1
        all.
      </p>
      <HeatMap
        map={{ rows: layers.length, columns: texts.length, factors: [1, 1], cells: recovered }}
        label={`What each patch brings back, ${layers.length} by ${texts.length}`}
        domain={[-1, 1]}
        scale="diverging"
        axes={['layer', 'token']}
        columnLabels={texts}
        rowLabels={layers}
        note={({ row, column }) => `logit difference ${show(values[row][column])}`}
      />
    </div>
  )
}

interface Patched {
  readonly result?: PatchedView
  readonly progress?: { readonly done: number; readonly total: number }
  readonly error?: SentError
}

/** Patches again whenever `key` changes. */
function usePatched(client: Client, request: PatchRequest, key: string | undefined): Patched {
  return useRequest<Patched, PatchPart>(
    client,
    'patch',
    request,
    key,
    {},
    {
      started: ({ result }) => ({ ...(result ? { result } : {}), progress: { done: 0, total: 1 } }),
      part: (before, { done = 0, total = 1, result }) =>
        result ? { result } : { ...before, progress: { done, total } },
      failed: (_, error) => ({ error }),
    },
  )
}
