import type { Importance, Token } from '../../protocol/api.ts'
import { signedBackground } from '../parts/colours.ts'
import { show } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { tokenText } from '../parts/tokens.ts'

/** How many tokens are listed. */
const MAX_LISTED = 8

interface SharesProps {
  readonly importance: Importance
  /** What the numbers mean. */
  readonly meaning: string
  readonly tokens: readonly Token[]
  readonly onPosition: (position: number) => void
}

/** The tokens, coloured by their shares: red for those that make the explained token likelier, blue for the others. */
export function Shares({ importance, meaning, tokens, onPosition }: SharesProps) {
  const { position, target, probability, values, expected, sum } = importance
  const largest = Math.max(...values.map(Math.abs))
  const ranked = values
    .map((value, at) => ({ value, at }))
    .filter(({ at }) => at <= position)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, MAX_LISTED)
  const text = (at: number): string => (tokens[at] ? tokenText(tokens[at]) : String(at))
  return (
    <>
      <p class="verdict">
        After token {position}, “{tokenText(target)}” has probability {show(probability)}. {meaning}
      </p>
      <div class="look-tokens">
        {values.map((value, at) => (
          <button
            key={at}
            type="button"
            class={at === position ? 'look is-query' : 'look'}
            style={signedBackground(value, largest)}
            title={`${at}: ${show(value)}`}
            disabled={at > position}
            onClick={() => onPosition(at)}
          >
            {text(at)}
          </button>
        ))}
      </div>
      <Scrolling label="The largest shares">
        <table class="numbers look-values">
          <caption class="hidden">The tokens with the largest shares</caption>
          <thead>
            <tr>
              <th scope="col" class="left">
                token
              </th>
              <th scope="col">position</th>
              <th scope="col">share</th>
            </tr>
          </thead>
          <tbody>
            {ranked.map(({ value, at }) => (
              <tr key={at}>
                <td class="left token-text">{text(at)}</td>
                <td>{at}</td>
                <td style={signedBackground(value, largest)}>{show(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      {expected !== undefined && sum !== undefined && (
        <p class="hint">
          All shares together are {show(sum)}. The log probability moves by {show(expected)} from an input of zeros to
          this text: the nearer the two, the more complete are the shares.
        </p>
      )}
    </>
  )
}
