import type { ComponentChildren } from 'preact'
import type { Token } from '../../protocol/api.ts'
import { signedBackground } from '../parts/colours.ts'
import { grouped, show } from '../parts/numbers.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { ShareTable } from '../parts/share-table.tsx'
import { tokenText } from '../parts/tokens.ts'
import type { LensCell, SideNames } from './rows.ts'

interface BestProps {
  readonly name: string
  readonly token: Token | undefined
  readonly position: number
  readonly cell: LensCell
  /** Which token is followed. */
  readonly what: string
  /** A button for the code of the cell. */
  readonly code: ComponentChildren
  readonly names: SideNames
}

/** The likeliest tokens for one layer and position. */
export function Best({ name, token, position, cell, what, code, names }: BestProps) {
  return (
    <div class="best" aria-live="polite">
      <h3>
        <span class="code">{name}</span>{' '}
        <small>
          after token {position} {token ? `“${tokenText(token)}”` : ''}
        </small>
      </h3>
      <p class="hint followed">
        <span class="token-text">{tokenText(cell.target)}</span>, {what}, has rank {grouped(cell.followed.rank)} and
        probability {show(cell.followed.probability)} here. {code}
      </p>
      {cell.before ? (
        <Both cell={cell} names={names} />
      ) : (
        <ShareTable
          caption="Likeliest next tokens"
          columns={['id', 'probability']}
          rows={cell.all.map(({ token, edited }) => ({
            text: token.text === undefined ? undefined : tokenText(token),
            number: token.id,
            share: edited,
          }))}
        />
      )}
    </div>
  )
}

/** The likeliest tokens of two runs, and how far each one moves. */
export function Both({ cell, names: { before, after } }: { cell: Pick<LensCell, 'all'>; names: SideNames }) {
  return (
    <Scrolling label="Likeliest next tokens">
      <table class="numbers bars compared">
        <caption class="hidden">
          Likeliest next tokens, {before} and {after}
        </caption>
        <thead>
          <tr>
            <th scope="col" class="left">
              token
            </th>
            <th scope="col">id</th>
            <th scope="col">{before}</th>
            <th scope="col">{after}</th>
            <th scope="col">difference</th>
            <th scope="col">
              <span class="hidden">
                bars: {before} above {after}
              </span>
            </th>
          </tr>
        </thead>
        <tbody>
          {cell.all.map(({ token, unedited = 0, edited }) => (
            <tr key={token.id}>
              <td class="left token-text">{tokenText(token)}</td>
              <td>{token.id}</td>
              <td>{unedited.toFixed(4)}</td>
              <td>{edited.toFixed(4)}</td>
              <td style={signedBackground(edited - unedited, 1)}>
                {edited > unedited ? '+' : edited < unedited ? '−' : ''}
                {Math.abs(edited - unedited).toFixed(4)}
              </td>
              <td class="bar two">
                <i style={{ width: `${100 * unedited}%` }} />
                <i class="edited" style={{ width: `${100 * edited}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolling>
  )
}
