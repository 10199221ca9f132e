import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { MARGIN } from '../measuring/worth-running.ts'

/** How many times the inputs are drawn. */
const DRAWS = 500

/** The range of a share in 95% of random draws of the inputs with replacement (a percentile bootstrap). The draws are always the same. */
export function shareInterval<T>(inputs: readonly T[], shareOf: (drawn: readonly T[]) => number): [number, number] {
  if (inputs.length === 0) return [0, 0]
  const random = xoroshiro128plus(inputs.length)
  const draw = (): T => inputs[(random.next() >>> 0) % inputs.length]
  const shares = Array.from({ length: DRAWS }, () => shareOf(inputs.map(draw))).sort((one, other) => one - other)
  return [shares[Math.floor(DRAWS * 0.025)], shares[Math.ceil(DRAWS * 0.975) - 1]]
}

/** The range of a share that only one of several inputs has measured: what was assumed when the others were left out. */
export const aroundOne = (share: number): [number, number] => [
  share / MARGIN,
  Math.max(share, Math.min(1, MARGIN * share)),
]
