import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { InputPair } from '../inputs.ts'
import { makerOf, type ValuePair } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { type Difference, differenceOf } from './difference.ts'
import { effectsOf, unitsOf } from './effects.ts'
import { type LogitsDifference, logitsDifference, logitsNumbers } from './logits.ts'
import { numbers } from './numbers.ts'
import type { OutputMetric } from './output-error.ts'
import { errorOf, runA, runB, runWithOurs } from './runs.ts'

/** What was measured with one input. */
export interface Measured {
  readonly label: string
  /** The error of B's output, in the unit of the metric. */
  readonly total: number
  /** The same at the positions at which effects are measured. */
  readonly totalOfEffects: number
  readonly logits: LogitsDifference | undefined
  /** By the value's name in A: the difference if both models run as they are, and the difference if B computes the value from A's values. */
  readonly values: ReadonlyMap<string, { readonly whole: Difference; readonly made: Difference }>
  /** The error of B's output if every paired value is replaced by A's. Then only what B computes after the last paired values differs. */
  readonly beyond: number
  /** By the path of a module of A, or the name of a node: the error of A's output if this part has the error that it has in B. */
  readonly effects: ReadonlyMap<string, number>
}

/** How many bytes of values of each run are kept at once. */
const BYTES_AT_ONCE = 128 * 2 ** 20

/** Runs both models on one input, and A again with the error of each module. @throws CompareNanError */
export async function measureInput(
  a: Side,
  b: Side,
  { values: all, hasMoreAfter }: Pairing,
  input: InputPair,
  metric: OutputMetric,
): Promise<Measured> {
  const values = new Map<string, { readonly whole: Difference; readonly made: Difference }>()
  const effects = new Map<string, number>()
  let first: Pick<Measured, 'total' | 'totalOfEffects' | 'logits'> | undefined
  let beyond = 0
  for (const group of groups(all)) {
    const before = readBy(group, all)
    const ours = await runA(a, [...before, ...group], input, metric)
    const differences = (theirs: readonly Tensor[]): Promise<Difference[]> =>
      inTurn(group, (pair, i) => differenceOf(ours.values.get(pair.a)!, theirs[i]))
    const { output: theirs, values: read } = await runB(b, group, input, metric)
    const total = first?.total ?? (await errorOf(metric, ours.output, theirs))
    first ??= {
      total,
      totalOfEffects: metric.isAtAll ? total : await errorOf(metric, metric.at(ours.output), metric.at(theirs)),
      logits:
        a.logits === undefined
          ? undefined
          : logitsDifference(await numbers(logitsNumbers(ours.output, theirs, idsOfPart(input, a.ids!)))),
    }
    const whole = await differences(read)
    const forced = await runWithOurs(b, before, group, ours, input, metric)
    const made = await differences(forced.values)
    if (hasMoreAfter) beyond = await errorOf(metric, ours.output, forced.output)
    for (const [i, { a }] of group.entries()) values.set(a, { whole: whole[i], made: made[i] })
    const units = unitsOf(group.filter((_, i) => differsIn(made[i])))
    const spoilt = new Map(group.map(({ a }, i) => [a, forced.values[i]]))
    const found = await effectsOf(a, units, spoilt, ours, input, metric)
    for (const pair of group) if (!effects.has(makerOf(pair))) effects.set(makerOf(pair), 0)
    for (const [i, { path }] of units.entries()) effects.set(path, effects.get(path)! + found[i])
  }
  return { label: input.label, ...first!, values, beyond, effects }
}

/** The paired values that are not in the group and from which it is computed. */
export function readBy(group: readonly ValuePair[], all: readonly ValuePair[]): ValuePair[] {
  const inGroup = new Set(group.map(({ a }) => a))
  const from = new Set(group.flatMap(pair => pair.from))
  return all.filter(({ a }) => !inGroup.has(a) && from.has(a))
}

const differsIn = ({ max, nonFinite }: Difference): boolean => max > 0 || nonFinite > 0

/** The token ids of the positions that both compute: a decoder's own where there is an encoder before it. */
function idsOfPart({ a, arrangement }: InputPair, name: string): Tensor {
  const { past } = arrangement
  const ids = a.decoder_input_ids ?? a[name]
  return past === 0 ? ids : ids.narrow(1, past, (ids.dims[1] as number) - past)
}

/** One after the other, so that only the memory of one is needed. */
async function inTurn<T, R>(list: readonly T[], use: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const [i, item] of list.entries()) results.push(await use(item, i))
  return results
}

/** The values in the order in which they are computed, in groups that are small enough to be kept at once. */
function groups(pairs: readonly ValuePair[]): ValuePair[][] {
  const all: ValuePair[][] = [[]]
  let bytes = 0
  for (const pair of pairs) {
    if (bytes > 0 && bytes + pair.bytes > BYTES_AT_ONCE) {
      all.push([])
      bytes = 0
    }
    all.at(-1)!.push(pair)
    bytes += pair.bytes
  }
  return all
}
