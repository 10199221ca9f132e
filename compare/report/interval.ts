import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** How often the inputs are drawn again. */
const DRAWS = 500

/** The range in which a share lies in 95 of 100 draws of the inputs with replacement (a percentile bootstrap); always the same draws. */
export function shareInterval<T>(inputs: readonly T[], shareOf: (drawn: readonly T[]) => number): [number, number] {
  const random = xoroshiro128plus(inputs.length)
  const draw = (): T => inputs[(random.next() >>> 0) % inputs.length]
  const shares = Array.from({ length: DRAWS }, () => shareOf(inputs.map(draw))).sort((one, other) => one - other)
  return [shares[Math.floor(DRAWS * 0.025)], shares[Math.ceil(DRAWS * 0.975) - 1]]
}
