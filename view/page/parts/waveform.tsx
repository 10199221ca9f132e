import type { SentWaveform } from '../../protocol/api.ts'
import { grouped, numberOf, show } from './numbers.ts'

/** Half the height of the drawing, in its own units. */
const HALF = 50

/** Samples of sound as a line with the least and the largest one of each column, and seconds under it if the rate is known. */
export function Waveform({ waveform, name }: { waveform: SentWaveform; name: string }) {
  const { samples, rate } = waveform
  const [least, largest] = [waveform.least, waveform.largest].map(side =>
    side.map(cell => (Number.isFinite(numberOf(cell)) ? numberOf(cell) : 0)),
  )
  const most = Math.max(...largest.map(Math.abs), ...least.map(Math.abs)) || 1
  const height = (sample: number): string => (HALF - (HALF * sample) / most).toFixed(2)
  const above = largest.map((sample, i) => `${i} ${height(sample)}`)
  const below = least.map((sample, i) => `${i} ${height(sample)}`).toReversed()
  const length = rate ? `${show(samples / rate)} s` : `${grouped(samples)} samples`
  const end = rate ? samples / rate : samples
  return (
    <figure class="waveform">
      <svg
        viewBox={`0 0 ${Math.max(1, above.length - 1)} ${2 * HALF}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Waveform of ${name}: ${length}, from ${show(Math.min(...least))} to ${show(Math.max(...largest))}`}
      >
        <path d={`M${[...above, ...below].join('L')}Z`} />
      </svg>
      <div class="waveform-axis" aria-hidden="true">
        {ticksTo(end).map(tick => (
          <span key={tick} style={{ left: `${(100 * tick) / end}%` }}>
            {grouped(tick)}
          </span>
        ))}
        <span class="unit">{rate ? 'seconds' : 'samples'}</span>
      </div>
    </figure>
  )
}

/** Round numbers from 0 on, at most six, which leave room for the unit at the end. */
function ticksTo(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 5))
  const step = power * ([1, 2, 5].find(factor => factor * power >= end / 5) ?? 10)
  return Array.from({ length: 6 }, (_, i) => Number((i * step).toPrecision(6))).filter(tick => tick <= 0.85 * end)
}
