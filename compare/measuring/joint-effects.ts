import type { InputPair } from '../inputs.ts'
import { makerOf } from '../pairing/pair-values.ts'
import type { Pairing } from '../pairing/pairing.ts'
import type { Side } from '../side.ts'
import { effectsOf, joint, unitsOf } from './effects.ts'
import { readBy } from './measure-inputs.ts'
import type { OutputMetric } from './output-error.ts'
import { runA, runWithOurs } from './runs.ts'

/** All pairs of a list, in the order of `jointEffects`. */
export const pairsOf = <T>(list: readonly T[]): [T, T][] =>
  list.flatMap((one, i) => list.slice(i + 1).map((other): [T, T] => [one, other]))

/**
 * The error of A's output if both of two modules make their errors, for all pairs of these modules or nodes. An error is added to what comes, so
 * that the error of an earlier module also passes through a later one.
 */
export async function jointEffects(
  a: Side,
  b: Side,
  { values: all }: Pairing,
  input: InputPair,
  metric: OutputMetric,
  paths: readonly string[],
): Promise<number[]> {
  const group = all.filter(pair => paths.includes(makerOf(pair)))
  const before = readBy(group, all)
  const ours = await runA(a, [...before, ...group], input, metric)
  const { values: made } = await runWithOurs(b, before, group, ours, input, metric)
  const theirs = new Map(group.map(({ a }, i) => [a, made[i]]))
  const units = new Map(unitsOf(group).map(unit => [unit.path, unit]))
  const both = pairsOf(paths).map(pair => joint(pair.flatMap(path => units.get(path) ?? [])))
  return effectsOf(a, both, theirs, ours, input, metric)
}
