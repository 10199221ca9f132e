import { CompareNanError } from '../../runtime/errors/compare.ts'
import type { ModelHandle } from '../../runtime/model/model.ts'
import { handleOf } from '../../runtime/model/modules/module.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { putIntoB, takenFromA, takenFromB } from '../arranging/part.ts'
import type { InputPair } from '../inputs.ts'
import type { ValuePair } from '../pairing/pair-values.ts'
import type { Side } from '../side.ts'
import { numbers } from './numbers.ts'
import type { OutputMetric } from './output-error.ts'
import { readValue, writeValue } from './taps.ts'

/*
 * The runs of both models only read and write values. What is computed from the values is computed outside of the models: there all values
 * share one small session, while in a model each value would add its own nodes to the sessions, which then take more time and memory than the
 * model's own.
 */

/** What A computes: the part of its output that B computes too, and paired values by their names in A. */
export interface Ours {
  readonly output: Tensor
  readonly values: ReadonlyMap<string, Tensor>
}

/** Runs A, and returns its output and the paired values. @throws CompareNanError */
export async function runA(
  a: Side,
  pairs: readonly ValuePair[],
  input: InputPair,
  metric: OutputMetric,
): Promise<Ours> {
  const { output, read } = await a.model.trace(input.a, () => ({
    output: ourOutput(a, metric),
    read: pairs.map(pair => takenFromA(readValue(a, pair.a), pair.part)),
  }))
  if (!(await areAllFinite(output)))
    throw new CompareNanError(metric.output, input.label, await firstBroken(pairs, read))
  return { output, values: new Map(pairs.map((pair, i) => [pair.a, read[i]])) }
}

/** Whether all elements are finite. Their sum says so in a twentieth of the time, unless it overflows itself. */
async function areAllFinite(value: Tensor): Promise<boolean> {
  const [sum] = await numbers(value.to('float32').sum().reshape([1]))
  return Number.isFinite(sum) || Boolean((await value.isfinite().all().value()).data[0])
}

async function firstBroken(pairs: readonly ValuePair[], values: readonly Tensor[]): Promise<string | undefined> {
  for (const [i, value] of values.entries())
    if ((await value.isnan().any().value()).data[0]) return pairs[i].owner.path || undefined
  return undefined
}

/** What B computes: the part of its output that A computes too, and paired values in the order of the pairs. */
export interface Theirs {
  readonly output: Tensor
  readonly values: readonly Tensor[]
}

/** Runs B as it is. */
export async function runB(
  b: Side,
  pairs: readonly ValuePair[],
  input: InputPair,
  metric: OutputMetric,
): Promise<Theirs> {
  return b.model.trace(input.b, () => ({
    output: theirOutput(b, metric),
    values: pairs.map(pair => takenFromB(readValue(b, pair.b), pair.part)),
  }))
}

/**
 * Runs B with A's values in place of its own, and returns what each module of B computes from the right inputs.
 * @param before pairs that only get A's values
 */
export async function runWithOurs(
  b: Side,
  before: readonly ValuePair[],
  pairs: readonly ValuePair[],
  ours: Ours,
  input: InputPair,
  metric: OutputMetric,
): Promise<Theirs> {
  const place = ({ b: name }: ValuePair): number => b.graph.producer.get(name)?.node.index ?? -1
  const isGiven = new Set(before)
  const ordered = [...before, ...pairs].sort((one, other) => place(one) - place(other))
  return b.model.trace(input.b, () => {
    const made = new Map<ValuePair, Tensor>()
    for (const pair of ordered) {
      const value = ours.values.get(pair.a)!
      if (!isGiven.has(pair)) made.set(pair, takenFromB(readValue(b, pair.b), pair.part))
      writeValue(
        b,
        pair.b,
        putIntoB(() => readValue(b, pair.b), pair.part, value),
      )
    }
    return { values: pairs.map(pair => made.get(pair)!), output: theirOutput(b, metric) }
  })
}

/** The part of A's output that B computes too, in the current trace. */
export const ourOutput = (a: Side, { output, part }: OutputMetric): Tensor => takenFromA(outputOf(a, output), part)

/** The part of B's output that A computes too, in the current trace. */
const theirOutput = (b: Side, { outputOfB, part }: OutputMetric): Tensor => takenFromB(outputOf(b, outputOfB), part)

/** One of the model's declared outputs in the current trace, after all writes. */
export const outputOf = ({ model }: Side, name: string): Tensor => (handleOf(model) as ModelHandle).declaredOutput(name)

/** The error of B's output, or of A's with errors in it. */
export async function errorOf(metric: OutputMetric, ours: Tensor, theirs: Tensor): Promise<number> {
  const [error] = await numbers(metric.measure(metric.prepare(ours), theirs))
  return error
}
