import type { Statistics } from '../../protocol/api.ts'
import { grouped, show } from '../parts/numbers.ts'

/** The statistics of a tensor in one line. The brief form leaves out the count, and NaN and infinite if there are none. */
export function StatisticsLine({ statistics, isBrief = false }: { statistics: Statistics; isBrief?: boolean }) {
  const { min, max, mean, std, nan, infinite, count } = statistics
  const entries = [
    ['min', show(min)],
    ['max', show(max)],
    ['mean', show(mean)],
    ['std', show(std)],
    ...(isBrief && nan === 0 ? [] : [['NaN', grouped(nan)] as const]),
    ...(isBrief && infinite === 0 ? [] : [['infinite', grouped(infinite)] as const]),
    ...(isBrief ? [] : [['count', grouped(count)] as const]),
  ] as const
  return (
    <dl class="statistics">
      {entries.map(([name, text]) => (
        <div
          key={name}
          class={(name === 'NaN' && nan > 0) || (name === 'infinite' && infinite > 0) ? 'is-warning' : undefined}
        >
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}
