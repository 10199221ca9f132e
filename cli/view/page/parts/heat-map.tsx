import { useEffect, useRef, useState } from 'preact/hooks'
import type { SentMap } from '../../api.ts'
import { viridis } from './colours.ts'
import { numberOf, show } from './numbers.ts'

interface HeatMapProps {
  readonly map: SentMap
  /** What it shows, for screen readers. */
  readonly label: string
  readonly domain: readonly [number, number]
  /** What rows and columns are called, one of them: `token`, `channel`. */
  readonly axes: readonly [row: string, column: string]
  readonly rowLabels?: readonly string[] | undefined
  readonly columnLabels?: readonly string[] | undefined
  readonly isSquare?: boolean
  readonly chosenRow?: number | undefined
  readonly onChooseRow?: (row: number) => void
  /** More to say of a row, where a cell is looked at. */
  readonly note?: (row: number) => string
}

interface Place {
  readonly row: number
  readonly column: number
}

/** A matrix as colours, its numbers told where the pointer is, or where the arrow keys have gone. */
export function HeatMap(props: HeatMapProps) {
  const { map, label, domain, axes, rowLabels, columnLabels, isSquare = false, chosenRow, onChooseRow, note } = props
  const canvas = useRef<HTMLCanvasElement>(null)
  const [place, setPlace] = useState<Place>()
  const height = map.cells.length
  const width = map.cells[0]?.length ?? 0
  useEffect(() => {
    if (canvas.current) draw(canvas.current, map, domain)
  }, [map, domain[0], domain[1]])

  const rowHeight = isSquare
    ? Math.max(3, Math.min(26, Math.floor(480 / height)))
    : Math.max(2, Math.min(20, Math.floor(420 / height)))
  const size = { height: `${rowHeight * height}px`, ...(isSquare ? { width: `${rowHeight * width}px` } : {}) }
  const hasRowLabels = rowLabels !== undefined && map.factors[0] === 1 && rowHeight >= 12
  const hasColumnLabels = columnLabels !== undefined && map.factors[1] === 1 && rowHeight >= 12
  const at = place && place.row < height && place.column < width ? place : undefined

  const pointed = (event: MouseEvent): Place => {
    const { left, top, width: w, height: h } = canvas.current!.getBoundingClientRect()
    const within = (share: number, count: number) => Math.min(count - 1, Math.max(0, Math.floor(share * count)))
    return { row: within((event.clientY - top) / h, height), column: within((event.clientX - left) / w, width) }
  }
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
      setPlace({ row: Math.min(height - 1, Math.max(0, to.row)), column: Math.min(width - 1, Math.max(0, to.column)) })
    } else if ((event.key === 'Enter' || event.key === ' ') && onChooseRow) {
      event.preventDefault()
      onChooseRow(row * map.factors[0])
    }
  }
  const called = (axis: 0 | 1, index: number): string => {
    const factor = map.factors[axis]
    const [first, end] = [index * factor, Math.min((index + 1) * factor, axis === 0 ? map.rows : map.columns) - 1]
    const text = (axis === 0 ? rowLabels : columnLabels)?.[first]
    return `${axes[axis]} ${first === end ? first : `${first}–${end}`}${text === undefined || first !== end ? '' : ` “${text}”`}`
  }
  return (
    <figure class="heat-map">
      <div class="heat-body">
        {hasRowLabels && (
          <div class="row-labels" aria-hidden="true">
            {rowLabels.slice(0, height).map((text, row) => (
              <span
                key={row}
                class={row === chosenRow ? 'is-chosen' : undefined}
                style={{ height: `${rowHeight}px`, lineHeight: `${rowHeight}px` }}
              >
                {text}
              </span>
            ))}
          </div>
        )}
        <div class={isSquare ? 'heat-canvas is-square' : 'heat-canvas'}>
          {hasColumnLabels && (
            <div class="column-labels" aria-hidden="true" style={{ width: size.width }}>
              {columnLabels.slice(0, width).map((text, column) => (
                <span key={column} style={{ width: `${rowHeight}px` }}>
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
            style={size}
            onKeyDown={go}
            onMouseMove={event => setPlace(pointed(event))}
            onClick={event => onChooseRow?.(pointed(event).row * map.factors[0])}
          >
            <canvas ref={canvas} />
            {chosenRow !== undefined && (
              <i
                class="row-mark"
                style={{ top: `${Math.floor(chosenRow / map.factors[0]) * rowHeight}px`, height: `${rowHeight}px` }}
              />
            )}
            {at && (
              <i
                class="cell-mark"
                style={{
                  top: `${at.row * rowHeight}px`,
                  height: `${rowHeight}px`,
                  left: `${(100 * at.column) / width}%`,
                  width: `${100 / width}%`,
                }}
              />
            )}
          </div>
          {!isSquare && <Ticks count={map.columns} name={axes[1]} />}
        </div>
      </div>
      <figcaption>
        <ColourBar domain={domain} />
        <output aria-live="polite" class="readout">
          {at
            ? `${called(0, at.row)} · ${called(1, at.column)}: ${show(numberOf(map.cells[at.row][at.column]))}${note ? ` · ${note(at.row)}` : ''}`
            : `${map.rows} × ${map.columns}${map.factors.some(factor => factor > 1) ? `; each cell is the largest in magnitude of ${map.factors[0]} × ${map.factors[1]}` : ''}`}
        </output>
      </figcaption>
    </figure>
  )
}

function draw(canvas: HTMLCanvasElement, { cells }: SentMap, domain: readonly [number, number]): void {
  const [height, width] = [cells.length, cells[0]?.length ?? 0]
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const image = context.createImageData(width, height)
  for (const [row, values] of cells.entries())
    for (const [column, cell] of values.entries()) {
      image.data.set([...viridis(numberOf(cell), domain), 255], 4 * (row * width + column))
    }
  context.putImageData(image, 0, 0)
}

function Ticks({ count, name }: { count: number; name: string }) {
  const step = niceStep(count)
  const ticks = Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step)
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

/** About eight ticks. */
function niceStep(count: number): number {
  let step = 1
  while (count / step > 9) step *= 2
  return step
}

function ColourBar({ domain }: { domain: readonly [number, number] }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const ramp = Array.from({ length: 64 }, (_, i) => i / 63)
    if (canvas.current) draw(canvas.current, { rows: 1, columns: 64, factors: [1, 1], cells: [ramp] }, [0, 1])
  }, [])
  return (
    <span class="colour-bar" title="Colours, from the least to the greatest value">
      <span>{show(domain[0])}</span>
      <canvas ref={canvas} />
      <span>{show(domain[1])}</span>
    </span>
  )
}
