import type { ComparedToken, Token } from '../../protocol/api.ts'
import { signedBackground } from '../parts/colours.ts'
import { numberOf, sameDecimals } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { tokenText } from '../parts/tokens.ts'

/** The likeliest next tokens, unedited and edited. */
export function Predictions({
  tokens,
  position,
  token,
}: {
  tokens: readonly ComparedToken[]
  position: number
  token: Token | undefined
}) {
  const rows = tokens.map(token => {
    const [before, after] = token.logits.map(numberOf)
    const [was, is] = token.probabilities.map(numberOf)
    return { token, before, after, change: after - before, was, is }
  })
  const logit = sameDecimals(rows.flatMap(({ before, after }) => [before, after]))
  const change = sameDecimals(rows.map(row => row.change))
  const largest = Math.max(0, ...rows.map(row => Math.abs(row.change)).filter(Number.isFinite))
  return (
    <>
      <h3>
        Next token{' '}
        <small>
          after token {position} {token ? `“${tokenText(token)}”` : ''}
        </small>
      </h3>
      <Scrolling label="Next token">
        <table class="numbers predictions">
          <caption class="hidden">Likeliest next tokens, unedited and edited</caption>
          <thead>
            <tr>
              <th rowSpan={2} scope="col" class="left">
                token
              </th>
              <th colSpan={3} scope="colgroup" class="group">
                logit
              </th>
              <th colSpan={2} scope="colgroup" class="group">
                probability
              </th>
              <th rowSpan={2} scope="col">
                <span class="hidden">bars: unedited above edited</span>
              </th>
            </tr>
            <tr>
              <th scope="col">unedited</th>
              <th scope="col">edited</th>
              <th scope="col">difference</th>
              <th scope="col">unedited</th>
              <th scope="col">edited</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ token, before, after, change: by, was, is }) => (
              <tr key={token.id} data-id={token.id}>
                <th scope="row" class="left token-text">
                  {tokenText(token)}
                </th>
                <td>{logit(before)}</td>
                <td>{logit(after)}</td>
                <td style={signedBackground(by, largest)}>
                  {by > 0 ? '+' : ''}
                  {change(by)}
                </td>
                <td>{was.toFixed(4)}</td>
                <td>{is.toFixed(4)}</td>
                <td class="bar two">
                  <i style={{ width: `${100 * was}%` }} />
                  <i class="edited" style={{ width: `${100 * is}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
      <p class="legend">
        <i class="swatch" /> unedited <i class="swatch edited" /> edited
      </p>
    </>
  )
}
