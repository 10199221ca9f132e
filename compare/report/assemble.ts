import type { Difference } from '../measuring/difference.ts'
import type { LogitsDifference } from '../measuring/logits.ts'
import type { Measured } from '../measuring/measure-inputs.ts'
import { computing } from '../pairing/pair-modules.ts'
import { mainTap, makerOf } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { differs } from './advice.ts'
import type { Blamed, ComparedModule, ComparisonData, DifferenceOverInputs } from './data.ts'
import { aroundOne, shareInterval } from './interval.ts'

/** What was measured with all inputs. */
export interface Findings {
  readonly a: Side
  readonly b: Side
  readonly models: ComparisonData['models']
  readonly pairing: Pairing
  readonly metric: string
  readonly measured: readonly Measured[]
}

/** The power in which errors of a metric add up if they have nothing to do with each other. KL is one by itself. */
export const powerOf = (metric: string): number => (metric === 'relative error' ? 2 : 1)

/** The least share of the error for the culprit, and how many times the next module's share it must be. */
const CULPRIT = { share: 0.5, lead: 2 }

export function assemble({
  a,
  b,
  models,
  pairing,
  metric,
  measured,
}: Findings): Omit<ComparisonData, 'version' | 'advice'> {
  const pairs = computing(a.tree).flatMap(module => {
    const partner = pairing.modules.of(module)
    if (module.path === '') return []
    if (partner) return [{ a: module.path, b: partner.module.path, by: partner.by }]
    const value = mainTap(a, module, 'out')?.tensor
    const pair = pairing.values.find(pair => pair.a === value && pair.owner === module)
    const node = pair && b.graph.producer.get(pair.b)?.node
    return node ? [{ a: module.path, b: node.name, by: 'structure' as const }] : []
  })
  const withPartner = new Set(pairs.map(pair => pair.a))
  const worst = measured.reduce((one, other) => (largeness(other.total) > largeness(one.total) ? other : one))
  const output = {
    metric,
    mean: mean(measured.map(({ total }) => total)),
    worst: { value: worst.total, input: worst.label },
  }
  const logits = logitsOver(measured.flatMap(({ logits }) => logits ?? []))
  const power = powerOf(metric)
  const shareOf: ShareOf = pairs => ratioOf(pairs.map(([part, total]) => [part ** power, total ** power]))
  const all = blameOf(measured, pairing, shareOf)
  const blame = all.filter(({ module }) => module !== '')
  const outside =
    (all.find(({ module }) => module === '')?.share ?? 0) +
    shareOf(measured.map(({ beyond, total }) => [beyond, total]))
  const explained = all.reduce((sum, { share }) => sum + share, 0)
  const [first, second] = blame
  const isOne =
    first && first.share >= CULPRIT.share && first.share >= CULPRIT.lead * Math.max(second?.share ?? 0, outside)
  return {
    models,
    inputs: measured.map(({ label }) => label),
    output,
    logits,
    pairs,
    unpaired: {
      a: alone(a, ({ path }) => withPartner.has(path)),
      b: alone(b, module => pairing.modules.hasB(module)),
    },
    modules: modulesOf(a, pairing, measured, withPartner),
    blame,
    keepFloat: [],
    interactions: [],
    culprit: isOne && differs({ output, logits }) ? first.module : null,
    unexplained: { outside, rest: output.mean === 0 ? 0 : 1 - explained },
  }
}

type Module = ReturnType<typeof computing>[number]

function alone({ tree, graph }: Side, isPaired: (module: Module) => boolean): string[] {
  // A quantiser may name such a node by the value and its reader, one after the other, which makes a path that is no module's.
  const isStorage = ({ nodes }: Module): boolean =>
    nodes.every(index => /^(Quantize|Dequantize)Linear$/.test(graph.nodes[index].opType))
  return computing(tree).flatMap(module =>
    isPaired(module) || isStorage(module) || module.path === '' ? [] : [module.path],
  )
}

/** Makes NaN count as larger than every number. */
const largeness = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

type ShareOf = (pairs: readonly (readonly [part: number, total: number])[]) => number

function blameOf(measured: readonly Measured[], { values }: Pairing, shareOf: ShareOf): Blamed[] {
  const makers = new Map(values.map(pair => [makerOf(pair), pair]))
  const paths = [...new Set(measured.flatMap(({ effects }) => [...effects.keys()]))]
  const blamed = paths.map((path): Blamed => {
    const pair = makers.get(path)
    // A model without modules has no other paths than the names of its nodes.
    const module = pair?.owner.path || path
    const pairs = measured.flatMap(({ effects, totalOfEffects }) => {
      const effect = effects.get(path)
      return effect === undefined ? [] : [[effect, totalOfEffects] as const]
    })
    return {
      module,
      node: pair?.node ?? null,
      share: shareOf(pairs),
      interval: pairs.length === 1 && measured.length > 1 ? aroundOne(shareOf(pairs)) : shareInterval(pairs, shareOf),
      effect: mean(pairs.map(([effect]) => effect)),
      inputs: pairs.length,
    }
  })
  return blamed.sort((one, other) => other.share - one.share)
}

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

function modulesOf(
  a: Side,
  { values }: Pairing,
  measured: readonly Measured[],
  withPartner: ReadonlySet<string>,
): ComparedModule[] {
  const known = new Map(values.map(pair => [pair.a, pair]))
  return computing(a.tree).flatMap(module => {
    const value = mainTap(a, module, 'out')?.tensor
    const pair = value === undefined ? undefined : known.get(value)
    if (!pair || !withPartner.has(module.path)) return []
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
