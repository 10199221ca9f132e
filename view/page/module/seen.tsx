import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { SeenValue, SentMap, Sides } from '../../protocol/api.ts'
import { aroundZero } from '../parts/colours.ts'
import { HeatMap, type HeatMapProps, type Place } from '../parts/heat-map.tsx'
import { numberOf, show } from '../parts/numbers.ts'
import { Histogram } from './histogram.tsx'
import { StatisticsLine } from './statistics.tsx'

type Shared = Omit<HeatMapProps, 'map' | 'domain' | 'scale' | 'place' | 'onPlace' | 'label' | 'note'>

/** One part of a comparison: unedited, edited, or their difference. */
interface Part {
  readonly name: string
  readonly map: SentMap
  readonly isDifference: boolean
}

/** Both sides and their difference, or the one that there is. */
export function partsOf(map: SentMap, compared: Sides<SentMap> | undefined): Part[] {
  if (!compared) return [{ name: '', map, isDifference: false }]
  const { unedited, difference } = compared
  return [
    { name: 'unedited', map: unedited, isDifference: false },
    { name: 'edited', map, isDifference: false },
    ...(difference ? [{ name: 'difference', map: difference, isDifference: true }] : []),
  ]
}

/** Maps beside each other that are looked at together: the cell under the pointer is told of each. */
export function Maps({
  parts,
  label,
  domain,
  about,
  note,
  ...shared
}: Shared & {
  parts: readonly Part[]
  label: string
  /** Of both sides. */
  domain: readonly [number, number]
  /** What stands above the map of each part. */
  about?: (index: number) => ComponentChildren
  note?: (map: SentMap, place: Place) => string
}) {
  const [place, setPlace] = useState<Place>()
  return (
    <div class={parts.length > 1 ? 'beside' : undefined}>
      {parts.map((part, i) => (
        <div key={part.name} data-part={part.name}>
          {part.name !== '' && <h4>{part.isDifference ? 'edited − unedited' : part.name}</h4>}
          {about?.(i)}
          <HeatMap
            {...shared}
            map={part.map}
            label={`${label}${part.name === '' ? '' : `, ${part.name}`}`}
            domain={part.isDifference ? largestIn(part.map) : domain}
            {...(part.isDifference ? { scale: 'diverging' as const } : {})}
            place={place}
            onPlace={setPlace}
            {...(note && !part.isDifference ? { note: (at: Place) => note(part.map, at) } : {})}
          />
        </div>
      ))}
    </div>
  )
}

/** A range around 0 that holds all of a map’s cells. */
export function largestIn({ cells }: SentMap): [number, number] {
  let largest = 0
  for (const row of cells)
    for (const cell of row) {
      const size = Math.abs(numberOf(cell))
      if (size > largest && Number.isFinite(size)) largest = size
    }
  return aroundZero(largest, largest)
}

/** A value’s statistics and map; of a comparison both sides’ and the difference’s. */
export function Seen({
  seen,
  compared,
  ...shared
}: Shared & { seen: SeenValue; compared: Sides<SeenValue> | undefined }) {
  const values = compared ? [compared.unedited, seen, ...(compared.difference ? [compared.difference] : [])] : [seen]
  const sides = compared ? [seen, compared.unedited] : [seen]
  const ends = (of: 'min' | 'max'): number[] => sides.map(({ statistics }) => statistics[of] ?? 0)
  const { rows, columns } = seen.map
  const difference = compared?.difference?.statistics
  return (
    <>
      {compared && <p class="verdict">{verdict(difference)}</p>}
      <Maps
        {...shared}
        parts={partsOf(
          seen.map,
          compared && {
            unedited: compared.unedited.map,
            ...(compared.difference ? { difference: compared.difference.map } : {}),
          },
        )}
        label={`Activation, ${rows} by ${columns}`}
        domain={[Math.min(...ends('min')), Math.max(...ends('max'))]}
        about={i => (
          <div class="numbers-head">
            <StatisticsLine statistics={values[i].statistics} isBrief={compared !== undefined} />
            <Histogram statistics={values[i].statistics} />
          </div>
        )}
      />
    </>
  )
}

function verdict(difference: SeenValue['statistics'] | undefined): string {
  if (!difference) return 'The edit changes the dims of this value: there is no difference to show.'
  const largest = Math.max(Math.abs(difference.min ?? 0), Math.abs(difference.max ?? 0))
  if (largest === 0 && difference.nan + difference.infinite === 0) return 'The edit changes nothing of this value.'
  return `The edit changes this value by up to ${show(largest)}.`
}
