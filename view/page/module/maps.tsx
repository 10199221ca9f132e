import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { SentMap, Sides } from '../../protocol/api.ts'
import { isLater } from '../parts/cells.tsx'
import { aroundZero, type Scale } from '../parts/colours.ts'
import { type CellPosition, HeatMap, type HeatMapProps } from '../parts/heat-map.tsx'
import { numberOf } from '../parts/numbers.ts'
import type { Limits } from '../state/view-state.ts'

/** The properties of a heat map that all parts of a comparison share. */
export type SharedMapProps = Omit<HeatMapProps, 'map' | 'domain' | 'scale' | 'cell' | 'onCell' | 'label' | 'note'>

/** One part of a comparison: unedited, edited, or their difference. */
interface Part {
  readonly name: string
  readonly map: SentMap
  readonly isDifference: boolean
}

/** The parts to show: both runs and their difference, or only the map if nothing is compared. */
export function partsOf(map: SentMap, compared: Sides<SentMap> | undefined): Part[] {
  if (!compared) return [{ name: '', map, isDifference: false }]
  const { unedited, difference } = compared
  return [
    { name: 'unedited', map: unedited, isDifference: false },
    { name: 'edited', map, isDifference: false },
    ...(difference ? [{ name: 'difference', map: difference, isDifference: true }] : []),
  ]
}

/** Maps side by side. Each of them shows the number of the cell under the pointer. */
export function Maps({
  parts,
  label,
  domain,
  scale,
  about,
  note,
  ...shared
}: SharedMapProps & {
  parts: readonly Part[]
  label: string
  /** The range of the colours for both runs; a difference has its own. */
  domain: readonly [number, number]
  /** The colours of both runs. @default 'sequential' */
  scale?: Scale
  /** Renders what is above the map of a part. */
  about?: (index: number) => ComponentChildren
  note?: (map: SentMap, cell: CellPosition) => string
}) {
  const [cell, setCell] = useState<CellPosition>()
  return (
    <div class={parts.length > 1 ? 'side-by-side' : undefined}>
      {parts.map((part, i) => (
        <div key={part.name} data-part={part.name}>
          {part.name !== '' && <h4>{part.isDifference ? 'edited − unedited' : part.name}</h4>}
          {about?.(i)}
          <HeatMap
            {...shared}
            map={part.map}
            label={`${label}${part.name === '' ? '' : `, ${part.name}`}`}
            domain={part.isDifference ? rangeAroundZero(part.map) : domain}
            {...(part.isDifference ? { scale: 'diverging' as const } : scale ? { scale } : {})}
            isMasked={shared.isMasked === true && !part.isDifference}
            cell={cell}
            onCell={setCell}
            {...(note && !part.isDifference ? { note: (at: CellPosition) => note(part.map, at) } : {})}
          />
        </div>
      ))}
    </div>
  )
}

/** Whether a pattern is masked as in a decoder: no query looks at a later key. Queries are the last of the keys. */
export function isCausal({ rows, columns, cells, factors }: SentMap): boolean {
  if (rows < 2 || columns < rows || factors[0] !== factors[1]) return false
  return cells.every((row, i) => row.every((cell, j) => !isLater(i, j, cells) || numberOf(cell) === 0))
}

/** The smallest range around 0 that contains all finite cells of a map. */
export function rangeAroundZero({ cells }: SentMap): [number, number] {
  let largest = 0
  for (const row of cells)
    for (const cell of row) {
      const size = Math.abs(numberOf(cell))
      if (size > largest && Number.isFinite(size)) largest = size
    }
  return aroundZero(largest, largest)
}

/** With more keys than this, weights are so small that the colours of a head reach to its own largest ones. */
const MANY_KEYS = 64

export const hasManyKeys = ({ columns }: SentMap): boolean => columns > MANY_KEYS

/** The limits of a head's colours: from 0 to 1 or, if it has many keys, to its own largest weights without the largest hundredth. */
export const headLimits = (map: SentMap, limits: Limits): readonly [number, number] =>
  limits === 'robust' && hasManyKeys(map) ? [0, robustLimits([map], false)[1] || 1] : [0, 1]

/** Limits that leave out the largest hundredth of the cells, so that a few of them don't make all others look alike: around 0 for signed cells. */
export function robustLimits(maps: readonly SentMap[], areSigned: boolean): readonly [number, number] {
  const numbers = maps.flatMap(({ cells }) => cells.flatMap(row => row.map(numberOf).filter(Number.isFinite)))
  const sorted = Float64Array.from(areSigned ? numbers.map(Math.abs) : numbers).sort()
  const most = sorted.at(-1) ?? 0
  const limit = sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0
  if (areSigned) return aroundZero(limit || most, limit || most)
  const least = sorted[0] ?? 0
  return limit > least ? [least, limit] : [least, most]
}
