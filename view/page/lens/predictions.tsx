import type { ComponentChildren } from 'preact'
import type { CodeRequest, Follow, Lens, Token } from '../../protocol/api.ts'
import { Best } from './best.tsx'
import { rowsOf, type SideNames } from './rows.ts'
import { LensTable } from './table.tsx'

const editNames: SideNames = { change: 'The edit', before: 'unedited', after: 'edited' }

interface PredictionsProps {
  readonly lens: Lens
  readonly tokens: readonly Token[]
  readonly layer: number | undefined
  readonly position: number
  readonly follow: Follow
  readonly onCell: (layer: number | undefined, token: number) => void
  readonly code?: (cell: NonNullable<CodeRequest['cell']>) => ComponentChildren
  readonly names?: SideNames
}

/** The lens as a table, and the details of the chosen cell. */
export function Predictions(props: PredictionsProps) {
  const { lens, tokens, layer, position, follow, onCell, code, names = editNames } = props
  const rows = rowsOf(lens)
  const row = Math.min(layer ?? rows.length - 1, rows.length - 1)
  const { from, positions } = lens
  const width = lens.own.length
  const column = Math.min(Math.max(position - from, 0), width - 1)
  const choose = (r: number, token: number): void => onCell(r === rows.length - 1 ? undefined : r, token)
  const changed = rows.flatMap(({ cells }) => cells).filter(({ isChanged }) => isChanged).length
  return (
    <>
      {lens.unedited && (
        <p class="verdict">
          {changed === 0
            ? `${names.change} does not change the likeliest token anywhere here.`
            : `${names.change} changes the likeliest token in ${changed} of ${rows.length * width} cells, which are marked.`}
        </p>
      )}
      {width < positions && (
        <div class="toolbar pages">
          <button type="button" disabled={from === 0} onClick={() => choose(row, from - 1)}>
            Previous
          </button>
          <span>
            tokens {from} to {from + width - 1} of {positions}
          </span>
          <button type="button" disabled={from + width >= positions} onClick={() => choose(row, from + width)}>
            Next
          </button>
        </div>
      )}
      <LensTable
        rows={rows}
        tokens={tokens.slice(from, from + width)}
        from={from}
        row={row}
        column={column}
        onCell={(r, c) => choose(r, from + c)}
      />
      <Best
        name={rows[row].name}
        token={tokens[from + column]}
        position={from + column}
        cell={rows[row].cells[column]}
        what={
          follow === 'next' && from + column + 1 < positions
            ? 'the next token of the text'
            : 'the model’s own prediction'
        }
        code={code?.({ ...(row < rows.length - 1 ? { layer: row } : {}), position: from + column })}
        names={names}
      />
    </>
  )
}
