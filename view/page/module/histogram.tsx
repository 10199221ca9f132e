import type { Statistics } from '../../protocol/api.ts'
import { grouped, show } from '../parts/numbers.ts'

/** A histogram of a tensor’s finite values. */
export function Histogram({ statistics: { histogram, min, max } }: { statistics: Statistics }) {
  if (!histogram || min === null || max === null) return null
  const most = Math.max(...histogram)
  const width = (max - min) / histogram.length
  return (
    <figure class="histogram">
      <div
        class="histogram-bars"
        role="img"
        aria-label={`Histogram from ${show(min)} to ${show(max)}: the largest of ${histogram.length} bars has ${grouped(most)} values`}
      >
        {histogram.map((count, i) => (
          <span key={i} title={`${show(min + i * width)} to ${show(min + (i + 1) * width)}: ${grouped(count)}`}>
            <i style={{ height: `${(100 * count) / most}%` }} />
          </span>
        ))}
      </div>
      <figcaption aria-hidden="true">
        <span>{show(min)}</span>
        <span>{show(max)}</span>
      </figcaption>
    </figure>
  )
}
