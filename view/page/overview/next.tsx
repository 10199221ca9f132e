import type { Lens, Prediction } from '../../protocol/api.ts'
import { firstShown, lensBody } from '../../protocol/bodies.ts'
import type { PanelProps } from '../panel-props.ts'
import { shareBackground } from '../parts/colours.ts'
import { percent } from '../parts/numbers.ts'
import { ShareTable } from '../parts/share-table.tsx'
import { tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { shortNames } from './names.ts'

interface NextProps extends PanelProps {
  readonly position: number
  /** For a model without a lens. */
  readonly predictions: readonly Prediction[] | undefined
}

/** What the model predicts after the chosen token, and what each layer would. */
export function Next(props: NextProps) {
  const { model, client, request, requestKey, tokens = [], position, predictions, state, change } = props
  const hasLens = !('reason' in model.lens)
  const from = firstShown(position)
  const { follow } = state
  const key = hasLens ? `${requestKey} ${from} ${follow}` : undefined
  const answer = useAnswer<Lens>(client, 'lens', lensBody(request, position, follow), key)
  const token = tokens[position]
  return (
    <section aria-labelledby="next-title">
      <h3 id="next-title">
        Prediction{' '}
        <small>
          after token {position} {token ? `“${tokenText(token)}”` : ''}
        </small>
      </h3>
      {predictions && <Likeliest predictions={predictions} />}
      {hasLens && (
        <Waiting
          answer={answer}
          show={lens => {
            const at = Math.min(Math.max(position - lens.from, 0), lens.own.length - 1)
            return (
              <div class="overview-split">
                <Likeliest predictions={lens.own[at]} />
                <Layers
                  names={shortNames(lens.layers)}
                  best={lens.top.map(row => row[at][0])}
                  onLayer={layer => change({ tab: 'lens', layer })}
                />
              </div>
            )
          }}
        />
      )}
    </section>
  )
}

const Likeliest = ({ predictions }: { predictions: readonly Prediction[] }) => (
  <ShareTable
    caption="Likeliest tokens"
    columns={['id', 'probability']}
    rows={predictions.map(({ id, text, probability }) => ({
      text: text === undefined ? undefined : tokenText({ id, text }),
      number: id,
      share: probability,
    }))}
  />
)

/** The likeliest token of each layer. A click opens the lens there. */
function Layers({
  names,
  best,
  onLayer,
}: {
  names: readonly string[]
  best: readonly Prediction[]
  onLayer: (layer: number) => void
}) {
  return (
    <div class="glance-layers">
      <p class="hint">What each layer would predict, if it were the last one:</p>
      <ol>
        {best.map((prediction, layer) => (
          <li key={layer}>
            <button type="button" onClick={() => onLayer(layer)}>
              <small>layer {names[layer]}</small>
              <span class="token-text" style={shareBackground(prediction.probability)}>
                {tokenText(prediction)}
              </span>
              <small>{percent(prediction.probability)}</small>
            </button>
          </li>
        ))}
      </ol>
    </div>
  )
}
