import { useEffect, useState } from 'preact/hooks'
import type { ComparedModels, ComparisonRequest } from '../../protocol/api.ts'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { Steps } from '../parts/steps.tsx'
import { forModule } from '../state/view-state.ts'
import { useProgress } from '../use-progress.ts'
import { Blame } from './blame.tsx'
import { ComparisonForm } from './form.tsx'
import { ModuleNumbers } from './modules.tsx'
import { Parting } from './parting.tsx'
import { sharesOf } from './shares.ts'
import { Summary } from './summary.tsx'

interface ComparePanelProps extends PanelProps {
  /** Takes each module's share of the error, which the tree shows. */
  readonly onShares: (shares: ReadonlyMap<string, number>) => void
}

/** The tab that compares the model with a second one: which modules cause the difference, and where predictions part. */
export function ComparePanel(props: ComparePanelProps) {
  const { model, client, runInputs, request, requestKey, state, change, onShares } = props
  const [runs, setRuns] = useState(0)
  const { comparing } = state
  const { batch: _, ...inputs } = request
  const asked: ComparisonRequest = {
    ...(comparing?.on === 'input' ? inputs : { inputs: {} }),
    comparing: comparing ?? { on: 'many' },
  }
  const isReady = comparing !== undefined && (comparing.on !== 'input' || runInputs !== undefined)
  const key = isReady ? `${JSON.stringify(asked)} ${comparing.on === 'input' ? requestKey : ''} ${runs}` : undefined
  const { result, progress, error } = useProgress<ComparedModels>(client, 'comparison', asked, key)
  useEffect(() => {
    if (result) onShares(sharesOf(result))
  }, [result])
  const openModule = (path: string, node?: string): void => change({ tab: 'module', ...forModule(path, node) })
  return (
    <section aria-label="Compare" aria-busy={progress !== undefined}>
      <p class="meta compared-names">
        <span>
          the first model: <b>{model.title}</b>
        </span>
        <span>
          the second one: <b>{model.beside?.title}</b>
        </span>
      </p>
      <ComparisonForm
        state={state}
        hasTexts={model.hasVocabulary}
        isReady={runInputs !== undefined}
        onRun={chosen => {
          change({ comparing: chosen, parted: undefined })
          setRuns(runs + 1)
        }}
      >
        {progress && <Steps progress={progress} client={client} label="Inputs that are done" />}
      </ComparisonForm>
      {error && <Problem error={error} />}
      {!result && !error && !progress && (
        <p class="hint">
          Both models run on the same inputs. The error of each module is then written into the first model, to see
          which share of the second one’s error it causes.
        </p>
      )}
      {result && (
        <div class={progress ? 'stale' : undefined}>
          <Summary result={result} />
          <Blame result={result} onModule={openModule} />
          {result.logits && !progress && <Parting {...props} result={result} comparison={asked} comparisonKey={key!} />}
          <ModuleNumbers result={result} onModule={openModule} />
        </div>
      )}
    </section>
  )
}
