import { useRef } from 'preact/hooks'
import type { Token } from '../../protocol/api.ts'
import { shareBackground } from '../parts/colours.ts'
import { percent, short } from '../parts/numbers.ts'
import { tokenName, tokenText } from '../parts/tokens.ts'
import type { LensCell, LensRow } from './rows.ts'

interface LensTableProps {
  readonly rows: readonly LensRow[]
  /** The tokens that are shown. */
  readonly tokens: readonly Token[]
  /** The position of the first of them. */
  readonly from: number
  readonly row: number
  readonly column: number
  readonly onCell: (row: number, column: number) => void
}

/** The likeliest token by layer and position. */
export function LensTable({ rows, tokens, from, row, column, onCell }: LensTableProps) {
  const table = useRef<HTMLTableElement>(null)
  const go = (event: KeyboardEvent): void => {
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, tokens.length - 1],
    }[event.key]
    if (!to || to[0] < 0 || to[0] >= rows.length || to[1] < 0 || to[1] >= tokens.length) return
    event.preventDefault()
    onCell(to[0], to[1])
    table.current?.querySelector<HTMLElement>(`[data-at="${to[0]} ${to[1]}"]`)?.focus()
  }
  return (
    <div class="table-scroll">
      <table class="lens" ref={table} onKeyDown={go}>
        <caption class="hidden">Likeliest next token by layer and position; arrow keys go from cell to cell</caption>
        <thead>
          <tr>
            <th scope="col">layer</th>
            {tokens.map((token, i) => (
              <th key={i} scope="col" aria-label={`${from + i} ${tokenName(token)}`}>
                <span class="token-text">{tokenText(token)}</span> <small>{from + i}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, cells }, r) => (
            <tr key={name} class={r === rows.length - 1 ? 'own' : undefined}>
              <th scope="row" class="code" title={name}>
                {name.split('.').slice(-2).join('.')}
              </th>
              {cells.map((cell, c) => (
                <td
                  key={c}
                  style={cell.before ? undefined : shareBackground(cell.best.probability)}
                  class={cell.isChanged ? 'is-changed' : undefined}
                  data-changed={cell.isChanged || undefined}
                >
                  <button
                    type="button"
                    data-at={`${r} ${c}`}
                    tabIndex={r === row && c === column ? 0 : -1}
                    aria-pressed={r === row && c === column}
                    onClick={() => onCell(r, c)}
                  >
                    <CellText cell={cell} />
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The text of a cell. In a comparison it shows both runs, one below the other. */
function CellText({ cell: { best, before, isChanged, followed } }: { cell: LensCell }) {
  return (
    <>
      {before && (
        <span class="lens-before" style={shareBackground(before.probability)}>
          <span class="token-text">{tokenText(before)}</span>
          <small class="lens-share">{percent(before.probability)}</small>
        </span>
      )}
      {isChanged && <span class="hidden"> becomes </span>}
      <span {...(before ? { class: 'lens-after', style: shareBackground(best.probability) } : {})}>
        <span class="token-text">{tokenText(best)}</span>
        <small class="lens-share">
          {percent(best.probability)}{' '}
          <span class={followed.rank === 1 ? 'rank is-first' : 'rank'}>#{short(followed.rank)}</span>
        </small>
      </span>
    </>
  )
}
