import { useState } from 'preact/hooks'
import type { PatchedView, PatchPart, PatchRequest, SentError } from '../../protocol/api.ts'
import type { Client } from '../client.ts'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { patchIn } from '../state/view-state.ts'
import { useRequest } from '../use-request.ts'
import { PatchForm } from './form.tsx'
import { PatchedMap } from './map.tsx'
import { OnePatch } from './one-patch.tsx'

/** The tab that writes activations of the text above into the run of another text, one at a time. */
export function PatchPanel(props: PanelProps) {
  const { model, client, runInputs, state, change, request, requestKey, tokens = [] } = props
  const [runs, setRuns] = useState(0)
  const patch = patchIn(state)
  const key = runInputs && patch.corrupted ? `${requestKey} ${JSON.stringify(patch)} ${runs}` : undefined
  const { result, progress, error } = usePatched(client, { ...request, ...patch }, key)
  const isRunning = progress !== undefined
  return (
    <section aria-label="Patch" aria-busy={isRunning}>
      <PatchForm
        state={state}
        change={change}
        tokens={tokens}
        layers={'layers' in model.lens ? model.lens.layers.length : 1}
        isReady={runInputs !== undefined}
        onRun={() => setRuns(runs + 1)}
      >
        {progress && (
          <>
            <progress max={progress.total} value={progress.done} aria-label="Layers that are done" />
            <button type="button" onClick={() => client.cancel()}>
              Stop
            </button>
            {progress.secondsLeft > 2 && <span class="hint">about {Math.ceil(progress.secondsLeft)} s left</span>}
          </>
        )}
      </PatchForm>
      {error && <Problem error={error} />}
      {result && (
        <PatchedMap
          result={result}
          isStale={isRunning}
          chosen={state.patched}
          onChoose={patched => change({ patched })}
        />
      )}
      {result && !isRunning && state.patched && result.layers.includes(state.patched.layer) && (
        <OnePatch {...props} result={result} cell={state.patched} patchKey={key!} />
      )}
    </section>
  )
}

interface Patched {
  readonly result?: PatchedView
  readonly progress?: { readonly done: number; readonly total: number; readonly secondsLeft: number }
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
      started: ({ result }) => ({ ...(result ? { result } : {}), progress: { done: 0, total: 1, secondsLeft: 0 } }),
      part: (before, { done = 0, total = 1, secondsLeft = 0, result }) =>
        result ? { result } : { ...before, progress: { done, total, secondsLeft } },
      failed: (_, error) => ({ error }),
    },
  )
}
