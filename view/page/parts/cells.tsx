import { useEffect, useRef } from 'preact/hooks'
import type { Cell } from '../../protocol/api.ts'
import { colourOf, type Scale } from './colours.ts'
import { numberOf } from './numbers.ts'

interface CellsProps {
  readonly cells: readonly (readonly Cell[])[]
  readonly domain: readonly [number, number]
  readonly scale?: Scale
}

/** Draws a matrix as colours, one pixel for each cell. */
export function Cells({ cells, domain, scale = 'sequential' }: CellsProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current) draw(canvas.current, cells, domain, scale)
  }, [cells, domain[0], domain[1], scale])
  return <canvas ref={canvas} />
}

function draw(
  canvas: HTMLCanvasElement,
  cells: CellsProps['cells'],
  domain: readonly [number, number],
  scale: Scale,
): void {
  const [height, width] = [cells.length, cells[0]?.length ?? 0]
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context || width === 0) return
  const image = context.createImageData(width, height)
  for (const [row, values] of cells.entries())
    for (const [column, cell] of values.entries())
      image.data.set(colourOf(numberOf(cell), domain, scale), 4 * (row * width + column))
  context.putImageData(image, 0, 0)
}
