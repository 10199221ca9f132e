import type { Difference } from '../measuring/difference.ts'
import type { LogitsDifference } from '../measuring/logits.ts'
import type { Measured } from '../measuring/measure-input.ts'
import { computing } from '../pairing/pair-modules.ts'
import { mainTap } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { differs } from './advice.ts'
import type { Blamed, ComparedModule, ComparisonData, DifferenceOverInputs } from './data.ts'
import { shareInterval } from './interval.ts'

/** What was measured with all inputs. */
export interface Findings {
  readonly a: Side
  readonly b: Side
  readonly pairing: Pairing
  readonly metric: string
  readonly measured: readonly Measured[]
}

/** The least share of the error for the culprit, and how many times the next module's share it must be. */
const CULPRIT = { share: 0.5, lead: 2 }

export function assemble({ a, b, pairing, metric, measured }: Findings): Omit<ComparisonData, 'version' | 'advice'> {
  const pairs = computing(a.tree).flatMap(module => {
    const partner = pairing.modules.of(module)
    return partner && module.path !== '' ? [{ a: module.path, b: partner.module.path, by: partner.by }] : []
  })
  const worst = measured.reduce((one, other) => (largeness(other.total) > largeness(one.total) ? other : one))
  const output = {
    metric,
    mean: mean(measured.map(({ total }) => total)),
    worst: { value: worst.total, input: worst.label },
  }
  const logits = logitsOver(measured.flatMap(({ logits }) => logits ?? []))
  const all = blameOf(measured)
  const blame = all.filter(({ module }) => module !== '')
  const outside = (all.find(({ module }) => module === '')?.share ?? 0) + ratio(measured, ({ beyond }) => beyond)
  const explained = all.reduce((sum, { share }) => sum + share, 0)
  const [first, second] = blame
  const isOne =
    first && first.share >= CULPRIT.share && first.share >= CULPRIT.lead * Math.max(second?.share ?? 0, outside)
  return {
    models: { a: a.model.name, b: b.model.name },
    inputs: measured.map(({ label }) => label),
    output,
    logits,
    pairs,
    unpaired: {
      a: alone(a, module => pairing.modules.hasA(module)),
      b: alone(b, module => pairing.modules.hasB(module)),
    },
    modules: modulesOf(a, pairing, measured),
    blame,
    culprit: isOne && differs({ output, logits }) ? first.module : null,
    unexplained: { outside, rest: output.mean === 0 ? 0 : 1 - explained },
  }
}

const alone = ({ tree }: Side, isPaired: (module: ReturnType<typeof computing>[number]) => boolean): string[] =>
  computing(tree).flatMap(module => (isPaired(module) || module.path === '' ? [] : [module.path]))

/** Makes NaN count as larger than every number. */
const largeness = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function blameOf(measured: readonly Measured[]): Blamed[] {
  const paths = [...new Set(measured.flatMap(({ effects }) => [...effects.keys()]))]
  const blamed = paths.map((module): Blamed => {
    const effects = measured.map(({ effects }) => effects.get(module) ?? 0)
    const pairs = measured.map(({ total }, i) => [effects[i], total] as const)
    return { module, share: ratioOf(pairs), interval: shareInterval(pairs, ratioOf), effect: mean(effects) }
  })
  return blamed.sort((one, other) => other.share - one.share)
}

const ratio = (measured: readonly Measured[], part: (one: Measured) => number): number =>
  ratioOf(measured.map(one => [part(one), one.total] as const))

/** The part as a share of the total. If totals are NaN or infinite, it is the share of those inputs whose part is NaN or infinite too. */
function ratioOf(pairs: readonly (readonly [part: number, total: number])[]): number {
  const isBroken = (value: number): boolean => !Number.isFinite(value)
  const broken = pairs.filter(([, total]) => isBroken(total))
  if (broken.length > 0) return broken.filter(([part]) => isBroken(part)).length / broken.length
  const total = pairs.reduce((sum, [, total]) => sum + total, 0)
  return total === 0 ? 0 : Math.max(0, pairs.reduce((sum, [part]) => sum + part, 0) / total)
}

function logitsOver(each: readonly LogitsDifference[]): LogitsDifference | null {
  if (each.length === 0) return null
  const over = (key: 'lossA' | 'lossB'): number | null => {
    const known = each.flatMap(one => one[key] ?? [])
    return known.length > 0 ? mean(known) : null
  }
  return {
    kl: mean(each.map(({ kl }) => kl)),
    top1: mean(each.map(({ top1 }) => top1)),
    top5: mean(each.map(({ top5 }) => top5)),
    lossA: over('lossA'),
    lossB: over('lossB'),
  }
}

function modulesOf(a: Side, { modules, values }: Pairing, measured: readonly Measured[]): ComparedModule[] {
  const known = new Map(values.map(pair => [pair.a, pair]))
  return computing(a.tree).flatMap(module => {
    const value = mainTap(a, module, 'out')?.tensor
    const pair = value === undefined ? undefined : known.get(value)
    if (!pair || !modules.hasA(module) || module.path === '') return []
    const input = mainTap(a, module, 'in')?.tensor
    return {
      module: module.path,
      error: over(measured, ({ values }) => values.get(pair.a)?.whole)!,
      arriving:
        input !== undefined && known.has(input) ? over(measured, ({ values }) => values.get(input)?.whole) : null,
      made: pair.owner === module ? over(measured, ({ values }) => values.get(pair.a)?.made) : null,
    }
  })
}

/** Combines the differences of all inputs; null if there are none. */
function over(
  measured: readonly Measured[],
  find: (one: Measured) => Difference | undefined,
): DifferenceOverInputs | null {
  const each = measured.flatMap(one => {
    const difference = find(one)
    return difference ? [{ difference, input: one.label }] : []
  })
  if (each.length === 0) return null
  const all = each.map(({ difference }) => difference)
  const ratios = all.flatMap(({ snr }) => snr ?? [])
  const worst = each.reduce((one, other) => (other.difference.relative > one.difference.relative ? other : one))
  return {
    max: Math.max(...all.map(({ max }) => max)),
    mean: mean(all.map(difference => difference.mean)),
    relative: mean(all.map(({ relative }) => relative)),
    cosine: mean(all.map(({ cosine }) => cosine)),
    snr: ratios.length > 0 ? mean(ratios) : null,
    nonFinite: all.reduce((sum, { nonFinite }) => sum + nonFinite, 0),
    clipped: mean(all.map(({ clipped }) => clipped)),
    worst: { relative: worst.difference.relative, input: worst.input },
  }
}
