import type { Sides, ValueSummary } from '../../protocol/api.ts'
import { aroundZero } from '../parts/colours.ts'
import { show } from '../parts/numbers.ts'
import { Switch } from '../parts/switch.tsx'
import type { Limits } from '../state/view-state.ts'
import { Histogram } from './histogram.tsx'
import { Maps, partsOf, robustLimits, type SharedMapProps } from './maps.tsx'
import { StatisticsLine } from './statistics.tsx'

/** The statistics and the map of a value; in a comparison those of both runs and of the difference. */
export function Activation({
  value,
  compared,
  limits,
  onLimits,
  ...shared
}: SharedMapProps & {
  value: ValueSummary
  compared: Sides<ValueSummary> | undefined
  limits: Limits
  onLimits: (limits: Limits) => void
}) {
  const values = compared ? [compared.unedited, value, ...(compared.difference ? [compared.difference] : [])] : [value]
  const sides = compared ? [value, compared.unedited] : [value]
  const ends = (of: 'min' | 'max'): number[] => sides.map(({ statistics }) => statistics[of] ?? 0)
  const [least, greatest] = [Math.min(...ends('min')), Math.max(...ends('max'))]
  const areSigned = least < 0 && greatest > 0
  const { rows, columns } = value.map
  const robust = robustLimits(
    sides.map(({ map }) => map),
    areSigned,
  )
  const whole: readonly [number, number] = areSigned ? aroundZero(least, greatest) : [least, greatest]
  const isClipped = robust[0] > whole[0] || robust[1] < whole[1]
  const difference = compared?.difference?.statistics
  return (
    <>
      {isClipped && (
        <div class="toolbar">
          <Switch legend="Colours" name="limits" options={limitNames} chosen={limits} onChoose={onLimits} />
          <span class="hint">
            {limits === 'robust'
              ? 'The largest hundredth has the full colour.'
              : 'Colours reach to the largest value, so a few large ones make the others pale.'}
          </span>
        </div>
      )}
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
        domain={limits === 'robust' ? robust : whole}
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

const limitNames = [
  ['robust', 'Colours of most values'],
  ['whole', 'Whole range'],
] as const

function verdict(difference: ValueSummary['statistics'] | undefined): string {
  if (!difference) return 'The edit changes the dims of this value, so there is no difference to show.'
  const largest = Math.max(Math.abs(difference.min ?? 0), Math.abs(difference.max ?? 0))
  if (largest === 0 && difference.nan + difference.infinite === 0) return 'The edit does not change this value.'
  return `The edit changes this value by up to ${show(largest)}.`
}
