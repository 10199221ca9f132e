import { useEffect, useRef } from 'preact/hooks'
import type { Cell } from '../../protocol/api.ts'
import { colourOf, type Scale } from './colours.ts'
import { numberOf } from './numbers.ts'

interface CellsProps {
  readonly cells: readonly (readonly Cell[])[]
  readonly domain: readonly [number, number]
  readonly scale?: Scale
  /** Whether cells of later keys are masked, and not zeros. */
  readonly isMasked?: boolean
}

/** Whether a key comes after the query. Queries are the last of the keys: a cache may have earlier ones. */
export const isLater = (row: number, column: number, cells: CellsProps['cells']): boolean =>
  column > row + (cells[0]?.length ?? 0) - cells.length

/** The colour of a masked cell, which is that of no number. */
const MASKED = [128, 128, 128, 60] as const

/** Draws a matrix as colours, one pixel for each cell. */
export function Cells({ cells, domain, scale = 'sequential', isMasked = false }: CellsProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current) draw(canvas.current, { cells, domain, scale, isMasked })
  }, [cells, domain[0], domain[1], scale, isMasked])
  return <canvas ref={canvas} />
}

function draw(canvas: HTMLCanvasElement, { cells, domain, scale, isMasked }: Required<CellsProps>): void {
  const [height, width] = [cells.length, cells[0]?.length ?? 0]
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const image = context.createImageData(width, height)
  for (const [row, values] of cells.entries())
    for (const [column, cell] of values.entries())
      image.data.set(
        isMasked && isLater(row, column, cells) ? MASKED : colourOf(numberOf(cell), domain, scale),
        4 * (row * width + column),
      )
  context.putImageData(image, 0, 0)
}
