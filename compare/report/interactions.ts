import { pairsOf } from '../measuring/joint-effects.ts'
import type { Measured } from '../measuring/measure-inputs.ts'
import type { Blamed, Interaction } from './data.ts'
import { shareInterval } from './interval.ts'

/** What is to blame: a node, or a module. It is what effects are listed by. */
export const partOf = ({ node, module }: Blamed): string => node ?? module

/**
 * How much more two errors make together than the sum of what each makes alone, the largest first.
 * @param parts the guiltiest modules or nodes
 * @param joint for each input: the effects of all pairs of them
 * @param power errors of this metric add up in this power
 */
export function interactionsOf(
  measured: readonly Measured[],
  parts: readonly string[],
  joint: readonly (readonly number[])[],
  power: number,
): Interaction[] {
  return pairsOf(parts)
    .map(([one, other], pair): Interaction => {
      const each = measured.map(({ effects, totalOfEffects: total }, i) => {
        const alone = (effects.get(one) ?? 0) ** power + (effects.get(other) ?? 0) ** power
        return { more: joint[i][pair] ** power - alone, total: total ** power }
      })
      // With NaN in it, nothing can be said about a sum.
      const usable = each.filter(({ more, total }) => Number.isFinite(more) && Number.isFinite(total))
      return { between: [one, other], share: ratio(usable), interval: shareInterval(usable, ratio) }
    })
    .sort((one, other) => Math.abs(other.share) - Math.abs(one.share))
}

interface Term {
  readonly more: number
  readonly total: number
}

function ratio(terms: readonly Term[]): number {
  const total = terms.reduce((sum, term) => sum + term.total, 0)
  return total === 0 ? 0 : terms.reduce((sum, term) => sum + term.more, 0) / total
}
