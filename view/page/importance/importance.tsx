import { useState } from 'preact/hooks'
import type { AblationRequest, AblationView, AttributionMethod, Importance } from '../../protocol/api.ts'
import { importanceBody } from '../../protocol/bodies.ts'
import { FollowSwitch } from '../lens/lens.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Problem } from '../parts/problem.tsx'
import { Steps } from '../parts/steps.tsx'
import { Switch } from '../parts/switch.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { useProgress } from '../use-progress.ts'
import { AblatedMap } from './ablated-map.tsx'
import { Shares } from './shares.tsx'

const methodNames: readonly (readonly [AttributionMethod, string])[] = [
  ['gradient', 'Gradient × input'],
  ['saliency', 'Saliency'],
  ['integrated', 'Integrated gradients'],
]

const shares = 'Each token’s share in its log probability: red makes it likelier, blue less likely.'
const sizes = 'How strongly its log probability answers to a small change of each token.'

/** The tab that says why the model predicts a token: the shares of the tokens before it, and what it loses without each part. */
export function ImportancePanel(props: PanelProps) {
  const { client, runInputs, state, change, request, requestKey, tokens = [], position } = props
  const { follow, method } = state
  const asked = { ...request, follow, ...(position === undefined ? {} : { position }) }
  const key = runInputs && `${requestKey} ${position} ${follow}`
  const answer = useAnswer<Importance>(
    client,
    'importance',
    importanceBody(request, method, follow, position),
    key && `${key} ${method}`,
  )
  return (
    <section aria-label="Importance">
      <FollowSwitch
        name="explained"
        legend="Token that is explained"
        follow={follow}
        onFollow={chosen => change({ follow: chosen })}
      />
      <div class="toolbar">
        <Switch
          legend="Method"
          name="method"
          options={methodNames}
          chosen={method}
          onChoose={chosen => change({ method: chosen })}
        />
      </div>
      {!runInputs && <p class="empty">Run the model on a text first.</p>}
      <Waiting
        answer={answer}
        show={importance => (
          <Shares
            importance={importance}
            meaning={method === 'saliency' ? sizes : shares}
            tokens={tokens}
            onPosition={token => change({ token })}
          />
        )}
      />
      {key && <Ablation key={key} {...props} asked={asked} />}
    </section>
  )
}

/** Takes out each part when the user asks for it, because that takes as many runs as there are parts. */
function Ablation({ client, state, onEdit, change, asked }: PanelProps & { readonly asked: AblationRequest }) {
  const [runs, setRuns] = useState(0)
  const { result, progress, error } = useProgress<AblationView>(
    client,
    'ablation',
    asked,
    runs === 0 ? undefined : String(runs),
  )
  return (
    <section aria-labelledby="ablation-title" aria-busy={progress !== undefined}>
      <h3 id="ablation-title">Parts of the model</h3>
      <div class="toolbar">
        <button type="button" onClick={() => setRuns(runs + 1)}>
          Ablate each part
        </button>
        {!progress && !result && (
          <span class="hint">
            Sets each head, attention and MLP to 0, one after the other, and measures the token again.
          </span>
        )}
        {progress && <Steps progress={progress} client={client} label="Parts that are done" />}
      </div>
      {error && <Problem error={error} />}
      {result && !progress && (
        <AblatedMap
          result={result}
          onChoose={line => {
            onEdit([...(state.edit?.trimEnd().split('\n') ?? []), line].join('\n'))
            change({ tab: 'lens' })
          }}
        />
      )}
    </section>
  )
}
