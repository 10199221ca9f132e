import type { Sides, ValueSummary } from '../../protocol/api.ts'
import { show } from '../parts/numbers.ts'
import { Histogram } from './histogram.tsx'
import { Maps, partsOf, robustLimits, type SharedMapProps } from './maps.tsx'
import { StatisticsLine } from './statistics.tsx'

/** The statistics and the map of a value; in a comparison those of both runs and of the difference. */
export function Activation({
  value,
  compared,
  ...shared
}: SharedMapProps & { value: ValueSummary; compared: Sides<ValueSummary> | undefined }) {
  const values = compared ? [compared.unedited, value, ...(compared.difference ? [compared.difference] : [])] : [value]
  const sides = compared ? [value, compared.unedited] : [value]
  const ends = (of: 'min' | 'max'): number[] => sides.map(({ statistics }) => statistics[of] ?? 0)
  const [least, greatest] = [Math.min(...ends('min')), Math.max(...ends('max'))]
  const areSigned = least < 0 && greatest > 0
  const { rows, columns } = value.map
  const difference = compared?.difference?.statistics
  return (
    <>
      {compared && <p class="verdict">{verdict(difference)}</p>}
      <Maps
        {...shared}
        parts={partsOf(
          value.map,
          compared && {
            unedited: compared.unedited.map,
            ...(compared.difference ? { difference: compared.difference.map } : {}),
          },
        )}
        label={`Activation, ${rows} by ${columns}`}
        domain={areSigned ? robustLimits(sides.map(({ map }) => map)) : [least, greatest]}
        {...(areSigned ? { scale: 'diverging' as const } : {})}
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

function verdict(difference: ValueSummary['statistics'] | undefined): string {
  if (!difference) return 'The edit changes the dims of this value, so there is no difference to show.'
  const largest = Math.max(Math.abs(difference.min ?? 0), Math.abs(difference.max ?? 0))
  if (largest === 0 && difference.nan + difference.infinite === 0) return 'The edit does not change this value.'
  return `The edit changes this value by up to ${show(largest)}.`
}
