import { cat, where } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** How a value of B differs from that of A. */
export interface Difference {
  /** The largest absolute difference. */
  readonly max: number
  /** The mean absolute difference. */
  readonly mean: number
  /** The difference's Euclidean length, as a share of the length of A's value. */
  readonly relative: number
  /** The cosine of the angle between the two values. */
  readonly cosine: number
  /** The signal-to-noise ratio in dB; null if nothing differs. */
  readonly snr: number | null
  /** The number of elements that are NaN or infinite in B, and something else in A. */
  readonly nonFinite: number
  /** The share of clipped or saturated elements: they equal B's largest or smallest element, but in A they do not equal A's. */
  readonly clipped: number
}

/** Records, in a trace, the sums from which `differenceOf` computes a difference, as one small tensor. */
export function sumsOf(a: Tensor, b: Tensor): Tensor {
  const [left, right] = [a.to('float32').flatten(), b.to('float32').flatten()]
  const isSame = left.eq(right).or(left.isnan().and(right.isnan()))
  const isBroken = right.isfinite().not().and(isSame.not())
  const isUsable = left.isfinite().and(right.isfinite())
  const [x, y] = [where(isUsable, left, 0), where(isUsable, right, 0)]
  const difference = x.sub(y)
  const count = (flags: Tensor): Tensor => flags.to('float32').sum()
  const isAtEnd = (values: Tensor): Tensor => values.eq(values.amax()).or(values.eq(values.amin()))
  const numbers = [
    difference.abs().amax(),
    difference.abs().sum(),
    difference.mul(difference).sum(),
    x.mul(x).sum(),
    y.mul(y).sum(),
    x.mul(y).sum(),
    count(isBroken),
    count(isAtEnd(y).and(isAtEnd(x).not())),
    count(isUsable),
  ]
  return cat(numbers.map(number => number.reshape([1])))
}

/** Computes a difference from the sums of `sumsOf`. */
export function differenceOf(sums: readonly number[]): Difference {
  const [max, total, error, ours, theirs, dot, nonFinite, clipped, count] = sums
  const elements = Math.max(count, 1)
  return {
    max,
    mean: total / elements,
    relative: error === 0 ? 0 : Math.sqrt(error / Math.max(ours, Number.MIN_VALUE)),
    cosine: error === 0 ? 1 : dot / Math.max(Math.sqrt(ours * theirs), Number.MIN_VALUE),
    snr: error === 0 ? null : 10 * Math.log10(Math.max(ours, Number.MIN_VALUE) / error),
    nonFinite,
    // Even without clipping, one element is the largest and one the smallest.
    clipped: Math.max(0, clipped - 2) / elements,
  }
}
