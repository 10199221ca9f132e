import { CompareOutputsError } from '../../runtime/errors/compare.ts'
import { showDims } from '../../runtime/errors/tensor.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Arrangement } from '../arranging/arrangement.ts'
import { type Part, partOf } from '../arranging/part.ts'
import { isResult } from '../pairing/pair-values.ts'
import type { Side } from '../side.ts'

/** The outputs by which two models are compared, and the measure of their difference. */
export interface OutputMetric {
  /** The measure's name, with its unit. */
  readonly name: string
  /** The name of the measured output in A. */
  readonly output: string
  /** The name of the same output in B. */
  readonly outputOfB: string
  /** The elements of the output that both compute. */
  readonly part: Part
  /** How many elements of the output are measured for one input. A run of several inputs has to keep as many for each. */
  readonly elements: number
  /**
   * Takes the positions at which the effects of modules are measured. A language model computes the logits of a position apart from the others, and
   * with a large vocabulary these are a third of its work.
   */
  at(output: Tensor): Tensor
  /** Whether effects are measured at all positions. */
  readonly isAtAll: boolean
  /** Records what `measure` takes of A's output. */
  prepare(ours: Tensor): Tensor[]
  /** Records, in a trace, the difference between A's output, which was prepared, and another one, as one number. */
  measure(prepared: readonly Tensor[], theirs: Tensor): Tensor
}

type Measure = Pick<OutputMetric, 'prepare' | 'measure'>

/** KL(A ‖ B) of the predictions in nats, averaged over all positions. */
const divergence: Measure = {
  prepare: ours => {
    const logs = ours.to('float32').logSoftmax(-1)
    return [logs.exp(), logs]
  },
  measure: ([probabilities, logs], theirs) =>
    probabilities
      .mul(logs.sub(theirs.to('float32').logSoftmax(-1)))
      .sum(-1)
      .mean()
      .reshape([1]),
}

/** The difference's Euclidean length, as a share of the length of A's output. */
const relativeError: Measure = {
  prepare: ours => {
    const a = ours.to('float32').flatten()
    return [a, a.mul(a).sum().add(1e-30)]
  },
  measure: ([a, square], theirs) => {
    const difference = a.sub(theirs.to('float32').flatten())
    return difference.mul(difference).sum().div(square).sqrt().reshape([1])
  },
}

/**
 * The metric for two models: KL for language models, otherwise the relative error of the first output of floats.
 * @throws CompareOutputsError if one of the models has no such output, or the dims of the two outputs differ
 */
export function outputMetric(a: Side, b: Side, arrangement: Arrangement): OutputMetric {
  const [output, outputOfB] = [mainOutput(a), mainOutput(b, a)]
  if (output === undefined || outputOfB === undefined)
    throw new CompareOutputsError(
      `The ${output === undefined ? 'first' : 'second'} model has no output of floats.`,
      'compare models that compute floats',
    )
  const part = sharedOutput(a, output, b, outputOfB, arrangement)
  const elements = (a.shapes.get(output)?.dims ?? []).reduce<number>((size, dim) => size * (dim ?? 1), 1)
  const all = { output, outputOfB, part, elements, isAtAll: true, at: (value: Tensor) => value }
  if (a.logits === undefined) return { ...all, ...relativeError, name: 'relative error' }
  const found = { ...all, ...divergence, name: 'KL (nats)' }
  const dims = a.shapes.get(output)?.dims
  const length = dims?.length === 3 && part.length === 0 ? (dims[1] ?? 0) : 0
  if (length <= POSITIONS) return found
  // The last position is one of them.
  const chosen = Array.from({ length: POSITIONS }, (_, i) => Math.ceil(((i + 1) * length) / POSITIONS) - 1)
  return {
    ...found,
    isAtAll: false,
    elements: (elements / length) * POSITIONS,
    at: value => value.indexSelect(1, chosen),
  }
}

/** The most positions of an input at which effects are measured. */
const POSITIONS = 32

/** The name of the logits, or of the first output of floats. For B, an output of floats with the same name as A's is preferred. */
function mainOutput({ graph, logits }: Side, other?: Side): string | undefined {
  if (logits !== undefined && (!other || other.logits !== undefined)) return logits
  const floats = graph.outputs.filter(({ name, type }) => type?.includes('float') && isResult(name))
  const wanted = other && mainOutput(other)
  return (floats.find(({ name }) => name === wanted) ?? floats[0])?.name
}

/** The part that the two outputs share. @throws CompareOutputsError if the dims of one don't follow from those of the other */
function sharedOutput(a: Side, output: string, b: Side, outputOfB: string, arrangement: Arrangement): Part {
  const [left, right] = [a.shapes.get(output)?.dims, b.shapes.get(outputOfB)?.dims]
  if (!left || !right) return []
  // A dim that is not known is taken to be the same in both.
  const [one, other] = [
    left.map((dim, axis) => dim ?? right[axis] ?? 0),
    right.map((dim, axis) => dim ?? left[axis] ?? 0),
  ]
  const part = partOf(one, other, arrangement)
  if (part) return part
  throw new CompareOutputsError(
    a.logits === undefined
      ? `The output ${output} has dims ${showDims(left)} in the first model, and ${showDims(right)} in the second.`
      : `The vocabulary of the first model has ${left.at(-1)} tokens, and that of the second ${right.at(-1)}.`,
    'compare two builds of one model',
  )
}
