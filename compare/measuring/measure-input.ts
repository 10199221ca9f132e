import { CompareNanError } from '../../runtime/errors/compare.ts'
import { BatchAxisError } from '../../runtime/errors/invoke.ts'
import type { ModelHandle } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { invoke } from '../../runtime/tracing/invokes/invoke.ts'
import { putIntoA, putIntoB, takenFromA, takenFromB } from '../arranging/part.ts'
import type { InputPair } from '../inputs.ts'
import { makerOf, type ValuePair } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { type Difference, differenceOf, sumsOf } from './difference.ts'
import { type LogitsDifference, logitsDifference, logitsNumbers } from './logits.ts'
import type { OutputMetric } from './output-error.ts'
import { readValue, writeValue } from './taps.ts'

/** What was measured with one input. */
export interface Measured {
  readonly label: string
  /** The error of B's output, in the unit of the metric. */
  readonly total: number
  readonly logits: LogitsDifference | undefined
  /** By the value's name in A: the difference if both models run as they are, and the difference if B computes the value from A's values. */
  readonly values: ReadonlyMap<string, { readonly whole: Difference; readonly made: Difference }>
  /** The error of B's output if every paired value is replaced by A's. Then only what B computes after the last paired values differs. */
  readonly beyond: number
  /** By the path of a module of A, or the name of a node: the error of A's output if this part has the error that it has in B. */
  readonly effects: ReadonlyMap<string, number>
}

/** How many bytes of values are kept at once. */
const BYTES_AT_ONCE = 256 * 2 ** 20
/** The limits of a run with several errors: the tokens of all rows, the elements of its output, and the rows. */
const TOKENS_AT_ONCE = 1024
const OUTPUT_AT_ONCE = 2 ** 24
const ROWS_AT_ONCE = 16

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
  let first: Outputs | undefined
  let beyond = 0
  for (const group of groups(all)) {
    const inGroup = new Set(group.map(({ a }) => a))
    const before = all.filter(pair => !inGroup.has(pair.a) && group.some(({ from }) => from.includes(pair.a)))
    const ours = await runA(a, [...before, ...group], input, metric)
    const { whole, ...outputs } = await runB(b, group, ours, input, metric, a)
    first ??= outputs
    const forced = await runWithOurs(b, before, group, ours, input, outputs.measure)
    if (hasMoreAfter) beyond = forced.output
    for (const [i, { a }] of group.entries())
      values.set(a, { whole: differenceOf(whole[i]), made: differenceOf(forced.sums[i]) })
    const units = unitsOf(group.filter(pair => differsIn(values.get(pair.a)!.made)))
    for (const pair of group) if (!effects.has(makerOf(pair))) effects.set(makerOf(pair), 0)
    for (const some of chunks(units, rowsAtOnce(a, input, metric)))
      for (const [path, effect] of await effectsOf(a, some, forced.values, ours.output, input, metric))
        effects.set(path, (effects.get(path) ?? 0) + effect)
  }
  const { total, logits } = first!
  return { label: input.label, total, logits, values, beyond, effects }
}

const differsIn = ({ max, nonFinite }: Difference): boolean => max > 0 || nonFinite > 0

interface Ours {
  readonly values: ReadonlyMap<string, Tensor>
  readonly output: Tensor
}

/** Runs A, and returns its output and the paired values. @throws CompareNanError */
async function runA(a: Side, pairs: readonly ValuePair[], input: InputPair, metric: OutputMetric): Promise<Ours> {
  const { output, read } = await a.model.trace(input.a, () => ({
    output: ourOutput(a, metric),
    read: pairs.map(pair => takenFromA(readValue(a, pair.a), pair.part)),
  }))
  const isUsable = (await output.isfinite().all().value()).data[0]
  if (!isUsable) throw new CompareNanError(metric.output, input.label, await firstBroken(pairs, read))
  return { output, values: new Map(pairs.map((pair, i) => [pair.a, read[i]])) }
}

async function firstBroken(pairs: readonly ValuePair[], values: readonly Tensor[]): Promise<string | undefined> {
  for (const [i, value] of values.entries())
    if ((await value.isnan().any().value()).data[0]) return pairs[i].owner.path || undefined
  return undefined
}

/** The part of A's output that B computes too, in the current trace. */
const ourOutput = (a: Side, { output, part }: OutputMetric): Tensor => takenFromA(outputOf(a, output), part)

/** One of the model's declared outputs in the current trace, after all writes. */
export const outputOf = ({ model }: Side, name: string): Tensor => (handleOf(model) as ModelHandle).declaredOutput(name)

/** The token ids of the positions that both compute. */
function idsOfPart({ a, arrangement }: InputPair, name: string): Tensor {
  const { past } = arrangement
  return past === 0 ? a[name] : a[name].narrow(1, past, (a[name].dims[1] as number) - past)
}

interface Outputs extends Pick<Measured, 'total' | 'logits'> {
  /** Records the error of B's output in the current trace. */
  readonly measure: () => Tensor
}

/** Runs B as it is. */
async function runB(
  b: Side,
  pairs: readonly ValuePair[],
  ours: Ours,
  input: InputPair,
  metric: OutputMetric,
  a: Side,
): Promise<Outputs & { readonly whole: readonly (readonly number[])[] }> {
  const theirOutput = (): Tensor => takenFromB(outputOf(b, metric.outputOfB), metric.part)
  const { total, logits, whole } = await b.model.trace(input.b, () => {
    const theirs = theirOutput()
    return {
      total: metric.measure(ours.output, theirs),
      logits: a.logits === undefined ? undefined : logitsNumbers(ours.output, theirs, idsOfPart(input, a.ids!)),
      whole: pairs.map(pair => sumsOf(ours.values.get(pair.a)!, takenFromB(readValue(b, pair.b), pair.part))),
    }
  })
  return {
    measure: () => metric.measure(ours.output, theirOutput()),
    total: numbers(total)[0],
    logits: logits && logitsDifference(numbers(logits)),
    whole: whole.map(numbers),
  }
}

interface Forced {
  readonly sums: readonly (readonly number[])[]
  readonly values: ReadonlyMap<string, Tensor>
  readonly output: number
}

/** Runs B with A's values in place of its own, to see what each module of B computes from the right inputs. */
async function runWithOurs(
  b: Side,
  before: readonly ValuePair[],
  pairs: readonly ValuePair[],
  ours: Ours,
  input: InputPair,
  measure: () => Tensor,
): Promise<Forced> {
  const place = ({ b: name }: ValuePair): number => b.graph.producer.get(name)?.node.index ?? -1
  const isGiven = new Set(before)
  const ordered = [...before, ...pairs].sort((one, other) => place(one) - place(other))
  const { made, output } = await b.model.trace(input.b, () => {
    const results = new Map<ValuePair, { readonly sums: Tensor; readonly theirs: Tensor }>()
    for (const pair of ordered) {
      const value = ours.values.get(pair.a)!
      if (!isGiven.has(pair)) {
        const theirs = takenFromB(readValue(b, pair.b), pair.part)
        results.set(pair, { sums: sumsOf(value, theirs), theirs })
      }
      writeValue(
        b,
        pair.b,
        putIntoB(() => readValue(b, pair.b), pair.part, value),
      )
    }
    return { made: pairs.map(pair => results.get(pair)!), output: measure() }
  })
  return {
    sums: made.map(({ sums }) => numbers(sums)),
    values: new Map(made.map(({ theirs }, i) => [pairs[i].a, theirs])),
    output: numbers(output)[0],
  }
}

/** The paired values that one module or node computes. */
interface Unit {
  readonly path: string
  readonly pairs: readonly ValuePair[]
}

function unitsOf(pairs: readonly ValuePair[]): Unit[] {
  const units = new Map<string, ValuePair[]>()
  for (const pair of pairs) units.set(makerOf(pair), [...(units.get(makerOf(pair)) ?? []), pair])
  return [...units].map(([path, own]) => ({ path, pairs: own }))
}

/** Runs A with the error of each of these modules, and returns the error of A's output. Each module has a row of the batch. */
async function effectsOf(
  a: Side,
  units: readonly Unit[],
  theirs: ReadonlyMap<string, Tensor>,
  output: Tensor,
  input: InputPair,
  metric: OutputMetric,
): Promise<(readonly [path: string, effect: number])[]> {
  const withErrors = ({ pairs }: Unit): Tensor => {
    for (const pair of pairs) {
      const value = theirs.get(pair.a)!
      writeValue(
        a,
        pair.a,
        putIntoA(() => readValue(a, pair.a), pair.part, value),
      )
    }
    return metric.measure(output, ourOutput(a, metric))
  }
  try {
    const effects = await a.model.trace(null, {}, () => units.map(unit => invoke(input.a, () => withErrors(unit))))
    return units.map(({ path }, i) => [path, numbers(effects[i] as Tensor)[0]])
  } catch (error) {
    // A value that all rows share, such as a mask, can be replaced only for all rows at once. So each module gets a run of its own.
    if (!(error instanceof BatchAxisError) || units.length === 1) throw error
    const each: (readonly [string, number])[] = []
    for (const unit of units) each.push(...(await effectsOf(a, [unit], theirs, output, input, metric)))
    return each
  }
}

function rowsAtOnce(a: Side, input: InputPair, { elements }: OutputMetric): number {
  const tokens = a.ids === undefined ? 1 : (input.a[a.ids].dims[1] as number)
  return Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(TOKENS_AT_ONCE / tokens), Math.floor(OUTPUT_AT_ONCE / elements)))
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
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

export const numbers = (tensor: Tensor): number[] => tensor.tolist() as number[]
