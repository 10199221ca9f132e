import { useState } from 'preact/hooks'
import type { PatchedView } from '../../protocol/api.ts'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { Steps } from '../parts/steps.tsx'
import { patchIn } from '../state/view-state.ts'
import { useProgress } from '../use-progress.ts'
import { PatchForm } from './form.tsx'
import { PatchedMap } from './map.tsx'
import { OnePatch } from './one-patch.tsx'

/** The tab that writes activations of the text above into the run of another text, one at a time. */
export function PatchPanel(props: PanelProps) {
  const { model, client, runInputs, state, change, request, requestKey, tokens = [] } = props
  const [runs, setRuns] = useState(0)
  const patch = patchIn(state)
  const key = runInputs && patch.corrupted ? `${requestKey} ${JSON.stringify(patch)} ${runs}` : undefined
  const { result, progress, error } = useProgress<PatchedView>(client, 'patch', { ...request, ...patch }, key)
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
        {progress && <Steps progress={progress} client={client} label="Layers that are done" />}
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
