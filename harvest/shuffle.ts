import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** The values in an order that a seed decides (Fisher and Yates). */
export function shuffled<T>(values: readonly T[], seed: number): T[] {
  const all = [...values]
  const random = xoroshiro128plus(seed | 0)
  for (let i = all.length - 1; i > 0; i--) {
    const k = uniformInt(random, 0, i)
    ;[all[i], all[k]] = [all[k], all[i]]
  }
  return all
}
