import type { ComparedModels, ComparisonRequest, PartingTokens } from '../../protocol/api.ts'
import { firstShown } from '../../protocol/bodies.ts'
import { Both } from '../lens/best.tsx'
import { cellOf } from '../lens/rows.ts'
import type { PanelProps } from '../panel-props.ts'
import { signedBackground } from '../parts/colours.ts'
import { tokenName, tokenText } from '../parts/tokens.ts'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../use-answer.ts'
import { three } from './shares.ts'

interface PartingProps extends PanelProps {
  readonly result: ComparedModels
  readonly comparison: ComparisonRequest
  readonly comparisonKey: string
}

/** The tokens of one input, coloured by how far the predictions of both models are apart, and the predictions at one of them. */
export function Parting({ client, result, comparison, comparisonKey, state, change }: PartingProps) {
  const { inputs } = result
  const worst = Math.max(0, inputs.indexOf(result.output.worst.input))
  const { input, token } = { input: worst, token: undefined, ...state.parted }
  const from = firstShown(token ?? 0)
  const answer = useAnswer<PartingTokens>(
    client,
    'parting',
    { ...comparison, input, from },
    `${comparisonKey} ${input} ${from}`,
  )
  return (
    <section aria-labelledby="parting-title">
      <h3 id="parting-title">
        Where predictions part{' '}
        <small>
          each token is coloured by KL(first ‖ second) of what comes after it; a line marks another likeliest token
        </small>
      </h3>
      {inputs.length > 1 && (
        <div class="toolbar">
          <label>
            input
            <select value={input} onChange={event => change({ parted: { input: Number(event.currentTarget.value) } })}>
              {inputs.map((label, at) => (
                <option key={at} value={at}>
                  {at === worst ? 'worst: ' : ''}
                  {label.slice(0, 80)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <Waiting
        answer={answer}
        show={parting => (
          <Tokens parting={parting} token={token} onToken={at => change({ parted: { input, token: at } })} />
        )}
      />
    </section>
  )
}

interface TokensProps {
  readonly parting: PartingTokens
  readonly token: number | undefined
  readonly onToken: (token: number) => void
}

function Tokens({ parting: { from, tokens, kl, first, second }, token, onToken }: TokensProps) {
  const largest = Math.max(...kl.filter(Number.isFinite), 0)
  const furthest = kl.indexOf(largest)
  const at = Math.min(Math.max((token ?? from + furthest) - from, 0), kl.length - 1)
  const end = from + kl.length
  const isOther = (i: number): boolean => first[i][0].id !== second[i][0].id
  const others = kl.filter((_, i) => isOther(i)).length
  return (
    <>
      <p class="verdict">
        The likeliest next token is another one after {others} of {kl.length} tokens.
      </p>
      {kl.length < tokens.length && (
        <div class="toolbar pages">
          <button type="button" disabled={from === 0} onClick={() => onToken(from - 1)}>
            Previous
          </button>
          <span>
            tokens {from} to {end - 1} of {tokens.length}
          </span>
          <button type="button" disabled={end >= tokens.length} onClick={() => onToken(end)}>
            Next
          </button>
        </div>
      )}
      <div class="look-tokens">
        {kl.map((distance, i) => (
          <button
            key={i}
            type="button"
            class={`look${i === at ? ' is-query' : ''}${isOther(i) ? ' is-parted' : ''}`}
            style={signedBackground(distance, largest)}
            aria-pressed={i === at}
            aria-label={`Token ${from + i}: ${tokenName(tokens[from + i])}, KL ${three(distance)}${isOther(i) ? ', another likeliest token' : ''}`}
            title={`${from + i}: KL ${three(distance)}`}
            onClick={() => onToken(from + i)}
          >
            {tokenText(tokens[from + i])}
          </button>
        ))}
      </div>
      <h4>
        After token {from + at} “{tokenText(tokens[from + at])}” <small>KL {three(kl[at])}</small>
      </h4>
      <Both
        cell={cellOf(second[at], first[at])}
        names={{ change: 'The second model', before: 'first', after: 'second' }}
      />
    </>
  )
}
