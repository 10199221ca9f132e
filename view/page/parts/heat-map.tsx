import { useMemo, useRef, useState } from 'preact/hooks'
import type { SentMap } from '../../protocol/api.ts'
import { Cells } from './cells.tsx'
import type { Scale } from './colours.ts'
import { numberOf, show } from './numbers.ts'

/** A cell of the map as it is drawn. */
export interface CellPosition {
  readonly row: number
  readonly column: number
}

export interface HeatMapProps {
  readonly map: SentMap
  /** What the map shows, for screen readers. */
  readonly label: string
  readonly domain: readonly [number, number]
  readonly scale?: Scale
  /** The names of a row and of a column: `token`, `channel`. */
  readonly axes: readonly [row: string, column: string]
  readonly rowLabels?: readonly string[] | undefined
  /** The number of the first row. @default 0 */
  readonly firstRow?: number
  readonly columnLabels?: readonly string[] | undefined
  readonly isSquare?: boolean
  /** Whether cells of later keys are masked, and not zeros. */
  readonly isMasked?: boolean
  readonly chosenRow?: number | undefined
  readonly onChoose?: (row: number, column: number) => void
  /** Returns the name of a cell. @default it is made from the names and labels of the axes */
  readonly name?: (cell: CellPosition) => string
  /** Returns a text to add to the number of the current cell. */
  readonly note?: (cell: CellPosition) => string
  /** The current cell, if several maps share it. */
  readonly cell?: CellPosition | undefined
  readonly onCell?: (cell: CellPosition) => void
}

/** Shows a matrix as colours, and the number of the cell under the pointer or at the arrow keys’ position. */
export function HeatMap(props: HeatMapProps) {
  const { map, label, domain, axes, rowLabels, columnLabels, isSquare = false, chosenRow, onChoose, note } = props
  const body = useRef<HTMLDivElement>(null)
  const [own, setOwn] = useState<CellPosition>()
  const cell = props.onCell ? props.cell : own
  const setCell = props.onCell ?? setOwn
  const height = map.cells.length
  const width = map.cells[0]?.length ?? 0
  const rowHeight = isSquare
    ? Math.max(3, Math.min(26, Math.floor(480 / height)))
    : Math.max(2, Math.min(20, Math.floor(420 / height)))
  const size = isSquare
    ? { width: `${rowHeight * width}px`, maxWidth: '100%', aspectRatio: `${width} / ${height}` }
    : { height: `${rowHeight * height}px` }
  const hasRowLabels = rowLabels !== undefined && map.factors[0] === 1 && rowHeight >= 12
  const hasColumnLabels = columnLabels !== undefined && map.factors[1] === 1 && rowHeight >= 12
  const at = cell && cell.row < height && cell.column < width ? cell : undefined

  const cellUnder = (event: MouseEvent): CellPosition => {
    const { left, top, width: w, height: h } = body.current!.getBoundingClientRect()
    const within = (share: number, count: number) => Math.min(count - 1, Math.max(0, Math.floor(share * count)))
    return { row: within((event.clientY - top) / h, height), column: within((event.clientX - left) / w, width) }
  }
  const choose = ({ row, column }: CellPosition): void => onChoose?.(row * map.factors[0], column * map.factors[1])
  const go = (event: KeyboardEvent): void => {
    const { row, column } = at ?? { row: 0, column: 0 }
    const to = {
      ArrowUp: { row: row - 1, column },
      ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 },
      ArrowRight: { row, column: column + 1 },
      Home: { row, column: 0 },
      End: { row, column: width - 1 },
    }[event.key]
    if (to) {
      event.preventDefault()
      setCell({ row: Math.min(height - 1, Math.max(0, to.row)), column: Math.min(width - 1, Math.max(0, to.column)) })
    } else if ((event.key === 'Enter' || event.key === ' ') && onChoose) {
      event.preventDefault()
      choose({ row, column })
    }
  }
  const isClipped = useMemo(() => isBeyond(map, domain), [map, domain[0], domain[1]])
  const share = (part: number, whole: number): string => `${(100 * part) / whole}%`
  return (
    <figure class="heat-map">
      <div class={isSquare ? 'heat-body is-square' : 'heat-body'}>
        {hasColumnLabels && (
          <div class="column-labels" aria-hidden="true">
            {columnLabels.slice(0, width).map((text, column) => (
              <span key={column}>{text}</span>
            ))}
          </div>
        )}
        {hasRowLabels && (
          <div class="row-labels" aria-hidden="true">
            {rowLabels.slice(0, height).map((text, row) => (
              <span key={row} class={row === chosenRow ? 'is-chosen' : undefined}>
                {text}
              </span>
            ))}
          </div>
        )}
        <div
          class="heat-cells"
          role="application"
          aria-label={`${label}. Arrow keys go from cell to cell.`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go through its cells
          tabIndex={0}
          ref={body}
          style={size}
          onKeyDown={go}
          onMouseMove={event => setCell(cellUnder(event))}
          onClick={event => choose(cellUnder(event))}
        >
          <Cells
            cells={map.cells}
            domain={domain}
            isMasked={props.isMasked ?? false}
            {...(props.scale ? { scale: props.scale } : {})}
          />
          {chosenRow !== undefined && (
            <i
              class="row-mark"
              style={{ top: share(Math.floor(chosenRow / map.factors[0]), height), height: share(1, height) }}
            />
          )}
          {at && (
            <i
              class="cell-mark"
              style={{
                top: share(at.row, height),
                height: share(1, height),
                left: share(at.column, width),
                width: share(1, width),
              }}
            />
          )}
        </div>
        {!isSquare && !hasColumnLabels && <Ticks count={map.columns} name={axes[1]} />}
      </div>
      <figcaption>
        <ColourBar domain={domain} scale={props.scale ?? 'sequential'} isClipped={isClipped} />
        {props.isMasked && (
          <span class="masked-key">
            <i /> masked
          </span>
        )}
        <output aria-live="polite" class="readout">
          {at
            ? `${props.name?.(at) ?? cellName(props, at)}: ${show(numberOf(map.cells[at.row][at.column]))}${note ? ` · ${note(at)}` : ''}`
            : sizeName(map)}
        </output>
      </figcaption>
    </figure>
  )
}

function cellName(
  { map, axes, rowLabels, columnLabels, firstRow = 0 }: HeatMapProps,
  { row, column }: CellPosition,
): string {
  const called = (axis: 0 | 1, index: number): string => {
    const factor = map.factors[axis]
    const [first, end] = [index * factor, Math.min((index + 1) * factor, axis === 0 ? map.rows : map.columns) - 1]
    const text = (axis === 0 ? rowLabels : columnLabels)?.[first]
    const number = (at: number): number => (axis === 0 ? firstRow + at : at)
    return `${axes[axis]} ${first === end ? number(first) : `${number(first)}–${number(end)}`}${text === undefined || first !== end ? '' : ` “${text}”`}`
  }
  return `${called(0, row)} · ${called(1, column)}`
}

const sizeName = ({ rows, columns, factors }: SentMap): string =>
  `${rows} × ${columns}${factors.some(factor => factor > 1) ? `; each cell is the largest in magnitude of ${factors[0]} × ${factors[1]}` : ''}`

function Ticks({ count, name }: { count: number; name: string }) {
  const step = niceStep(count)
  // A tick at the very end has no room for its number.
  const ticks = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step).filter(
    tick => count - tick >= step / 3,
  )
  return (
    <div class="ticks" aria-hidden="true">
      {ticks.map(tick => (
        <span key={tick} style={{ left: `${(100 * tick) / count}%` }}>
          {tick === 0 ? `${name} 0` : tick}
        </span>
      ))}
    </div>
  )
}

/** The step for at most six ticks, because the first one also has the axis’s name. */
function niceStep(count: number): number {
  let step = 1
  while (count / step > 6) step *= 2
  return step
}

const RAMP = [Array.from({ length: 64 }, (_, i) => i / 63)]

/** Whether a cell lies beyond the ends of the colours. */
const isBeyond = ({ cells }: SentMap, [from, to]: readonly [number, number]): boolean =>
  cells.some(row => row.some(cell => numberOf(cell) < from || numberOf(cell) > to))

function ColourBar({
  domain,
  scale,
  isClipped,
}: {
  domain: readonly [number, number]
  scale: Scale
  isClipped: boolean
}) {
  return (
    <span class="colour-bar" title="Colours, from the least to the greatest value">
      <span>
        {isClipped && scale === 'diverging' ? '≤ ' : ''}
        {show(domain[0])}
      </span>
      <Cells cells={RAMP} domain={[0, 1]} scale={scale} />
      <span>
        {isClipped ? '≥ ' : ''}
        {show(domain[1])}
      </span>
    </span>
  )
}
