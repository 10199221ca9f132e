import { CompareNanError } from '../../runtime/errors/compare.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { InputPair } from '../inputs.ts'
import { makerOf, type ValuePair } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { type Difference, differencesOf } from './difference.ts'
import { effectsOf, unitsOf } from './effects.ts'
import { effectsOfSized } from './effects-of-sized.ts'
import { JoinedInputs } from './joined-inputs.ts'
import { type LogitsDifference, logitsDifference, logitsNumbers } from './logits.ts'
import { numbers } from './numbers.ts'
import type { OutputMetric } from './output-error.ts'
import { errorOf, runA, runB, runWithOurs, type Theirs } from './runs.ts'
import type { WorthRunning } from './worth-running.ts'

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
  /**
   * By the path of a module of A, or the name of a node: the error of A's output if this part has the error that it has in B. Parts of which
   * the inputs before have said enough are not there.
   */
  readonly effects: ReadonlyMap<string, number>
}

/** How many bytes of values of each run are kept at once. */
const BYTES_AT_ONCE = 256 * 2 ** 20
/** More tokens or rows in one run make it no faster. */
const TOKENS_AT_ONCE = 512
const ROWS_AT_ONCE = 8

/**
 * Runs both models on inputs of equal dims, and A again with the error of each module that is worth it. Inputs run together where their rows
 * can be told apart.
 * @throws CompareNanError
 */
export async function measureInputs(
  a: Side,
  b: Side,
  pairing: Pairing,
  inputs: readonly InputPair[],
  metric: OutputMetric,
  worth: WorthRunning,
): Promise<Measured[]> {
  const joined = await JoinedInputs.of(a, b, pairing.values, metric, inputs)
  if (joined)
    try {
      return await measureTogether(a, b, pairing, inputs, metric, worth, joined)
    } catch (error) {
      // The error should name the input.
      if (!(error instanceof CompareNanError)) throw error
    }
  return (await inTurn(inputs, input => measureTogether(a, b, pairing, [input], metric, worth))).flat()
}

/** How many inputs run together at most, so that their values are not too many. */
export function inputsAtOnce(a: Side, { values }: Pairing, { a: inputs }: InputPair): number {
  const bytes = values.reduce((sum, pair) => sum + pair.bytes, 0)
  const tokens = a.ids === undefined ? 1 : (inputs[a.ids].dims.at(-1) as number)
  return Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(TOKENS_AT_ONCE / tokens), Math.floor(BYTES_AT_ONCE / bytes)))
}

async function measureTogether(
  a: Side,
  b: Side,
  { values: all, hasMoreAfter }: Pairing,
  inputs: readonly InputPair[],
  metric: OutputMetric,
  worth: WorthRunning,
  joined?: JoinedInputs,
): Promise<Measured[]> {
  const run = joined?.input ?? inputs[0]
  const eachOfB = async (values: Theirs, group: readonly ValuePair[]): Promise<readonly Theirs[]> =>
    joined ? joined.ofB(values, group, metric) : [values]
  const found = inputs.map(({ label }) => new Found(label))
  for (const [part, group] of groups(all).entries()) {
    const before = readBy(group, all)
    const together = await runA(a, [...before, ...group], run, metric)
    const ours = joined ? await joined.ofA(together, metric) : [together]
    const differences = (i: number, theirs: readonly Tensor[]): Promise<Difference[]> =>
      differencesOf(group.map((pair, j) => [ours[i].values.get(pair.a)!, theirs[j]]))
    const whole = await inTurn(await eachOfB(await runB(b, group, run, metric), group), async (theirs, i) => {
      found[i].output ??= await outputErrors(a, inputs[i], metric, ours[i].output, theirs.output)
      return differences(i, theirs.values)
    })
    const forced = await eachOfB(await runWithOurs(b, before, group, together, run, metric), group)
    for (const [i, input] of inputs.entries()) {
      const { values, output, leftOut, effects } = found[i]
      const { totalOfEffects } = output!
      const made = await differences(i, forced[i].values)
      if (hasMoreAfter) found[i].beyond = await errorOf(metric, ours[i].output, forced[i].output)
      for (const [j, { a }] of group.entries()) values.set(a, { whole: whole[i][j], made: made[j] })
      const differing = unitsOf(group.filter((_, j) => differsIn(made[j]))).map(unit => ({
        unit,
        // A module's values may be in several groups.
        key: `${unit.path} ${part}`,
        size: Math.hypot(...unit.pairs.map(({ a }) => values.get(a)!.made.relative)),
      }))
      const run = differing.filter(({ key, size }) => worth.has(key, totalOfEffects, size))
      for (const one of differing) if (!run.includes(one)) leftOut.add(one.unit.path)
      const spoilt = new Map(group.map(({ a }, j) => [a, forced[i].values[j]]))
      const errors = await effectsOfSized(run, totalOfEffects, worth, units =>
        effectsOf(a, units, spoilt, ours[i], input, metric),
      )
      for (const pair of group) if (!effects.has(makerOf(pair))) effects.set(makerOf(pair), 0)
      for (const [{ path }, error] of errors) effects.set(path, effects.get(path)! + error)
    }
  }
  return found.map(one => one.measured)
}

type OutputErrors = Pick<Measured, 'total' | 'totalOfEffects' | 'logits'>

async function outputErrors(
  a: Side,
  input: InputPair,
  metric: OutputMetric,
  ours: Tensor,
  theirs: Tensor,
): Promise<OutputErrors> {
  const logits =
    a.logits === undefined
      ? undefined
      : logitsDifference(await numbers(logitsNumbers(ours, theirs, idsOfPart(input, a.ids!))))
  // The metric of a language model is the divergence of its logits.
  const total = logits?.kl ?? (await errorOf(metric, ours, theirs))
  const totalOfEffects = metric.isAtAll ? total : await errorOf(metric, metric.at(ours), metric.at(theirs))
  return { total, totalOfEffects, logits }
}

/** What is found of one input, while it is measured. */
class Found {
  readonly label: string
  readonly values = new Map<string, { readonly whole: Difference; readonly made: Difference }>()
  readonly effects = new Map<string, number>()
  readonly leftOut = new Set<string>()
  output: OutputErrors | undefined
  beyond = 0

  constructor(label: string) {
    this.label = label
  }

  get measured(): Measured {
    const { label, values, beyond, effects, leftOut, output } = this
    const measured = new Map([...effects].filter(([path]) => !leftOut.has(path)))
    return { label, ...output!, values, beyond, effects: measured }
  }
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
