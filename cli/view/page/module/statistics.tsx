import type { Statistics } from '../../api.ts'
import { grouped, show } from '../parts/numbers.ts'

/** Numbers about a tensor, in a row. */
export function StatisticsLine({ statistics }: { statistics: Statistics }) {
  const { min, max, mean, std, nan, infinite, count } = statistics
  const entries = [
    ['min', show(min)],
    ['max', show(max)],
    ['mean', show(mean)],
    ['std', show(std)],
    ['NaN', grouped(nan)],
    ['infinite', grouped(infinite)],
    ['count', grouped(count)],
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
