import type { Follow, Lens, LensPath } from '../../protocol/api.ts'
import { firstShown, lensBody } from '../../protocol/bodies.ts'
import { CopyCode } from '../header/copy-code.tsx'
import type { PanelProps } from '../panel-props.ts'
import { Switch } from '../parts/switch.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { Predictions } from './predictions.tsx'

/** The tab with the model’s predictions after each layer. */
export function LensPanel(props: PanelProps) {
  const { model, client, runInputs, state, change, request, requestKey, tokens = [], position = 0 } = props
  const path = model.lens
  const from = firstShown(position)
  const { follow } = state
  const key = runInputs && !('reason' in path) ? `${requestKey} ${from} ${follow}` : undefined
  const answer = useAnswer<Lens>(client, 'lens', lensBody(request, position, follow), key)
  if ('reason' in path)
    return (
      <section aria-label="Logit lens">
        <p class="empty">This model has no logit lens. {path.reason}</p>
      </section>
    )
  return (
    <section aria-label="Logit lens">
      <LensPathLine path={path} />
      <FollowSwitch follow={follow} onFollow={chosen => change({ follow: chosen })} />
      {!runInputs && <p class="empty">Run the model on an input to see what each layer would predict.</p>}
      <Waiting
        answer={answer}
        show={lens => (
          <Predictions
            lens={lens}
            tokens={tokens}
            layer={state.layer}
            position={position}
            follow={follow}
            onCell={(layer, token) => change({ layer, token })}
            code={cell => (
              <CopyCode client={client} state={state} request={request} cell={cell} name="Code of this cell" />
            )}
          />
        )}
      />
    </section>
  )
}

const follows = [
  ['next', 'Next token of the text'],
  ['model', 'Model’s prediction'],
] as const

/** The choice of the token whose rank each cell shows. */
export function FollowSwitch({
  follow,
  onFollow,
  name = 'follow',
  legend = 'Token whose rank is shown',
}: {
  follow: Follow
  onFollow: (follow: Follow) => void
  name?: string
  legend?: string
}) {
  return (
    <div class="toolbar">
      <Switch legend={legend} name={name} options={follows} chosen={follow} onChoose={onFollow} />
      {name === 'follow' && <span class="hint"># is its rank in each cell: 1 is the likeliest</span>}
    </div>
  )
}

/** Says which modules the lens applies to the layers’ outputs. */
function LensPathLine({ path: { layers, head } }: { path: LensPath }) {
  return (
    <p class="meta">
      <span>
        The output of each layer goes through the modules between the last layer and the logits:{' '}
        <b class="code">{head.join(', ') || 'unnamed nodes'}</b>
      </span>
      <span>{layers.length} layers</span>
    </p>
  )
}
