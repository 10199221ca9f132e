import { cat, where } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { numbers } from './numbers.ts'

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

const SAME: Difference = { max: 0, mean: 0, relative: 0, cosine: 1, snr: null, nonFinite: 0, clipped: 0 }

/** Values with fewer elements are measured at once: more sessions would take more time than they save. */
const SMALL = 4096

/** Computes how a value of B differs from that of A. */
export async function differenceOf(ours: Tensor, theirs: Tensor): Promise<Difference> {
  if (isSame(ours, theirs)) return SAME
  const size = (ours.dims as readonly number[]).reduce((product, dim) => product * dim, 1)
  if (size >= SMALL) {
    const [a, b] = [inRows(ours), inRows(theirs)]
    const [max, total, error, square, other, ties] = await numbers(quickSums(a, b))
    // A NaN or an infinite number makes one of the sums so.
    if (Number.isFinite(error + square + other)) {
      const [clipped] = ties > 0 ? await numbers(clippedCount(a, b).reshape([1])) : [0]
      return ofSums({ max, total, error, ours: square, theirs: other, nonFinite: 0, clipped, count: size })
    }
  }
  const [max, total, error, square, other, nonFinite, clipped, count] = await numbers(sums(ours, theirs))
  return ofSums({ max, total, error, ours: square, theirs: other, nonFinite, clipped, count })
}

/** Whether two values have the same elements, none of them NaN. */
function isSame(a: Tensor, b: Tensor): boolean {
  if (a.type !== b.type) return false
  const [one, other] = [a.data, b.data] as ArrayLike<unknown>[]
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

/** A value as a matrix with long rows: what is computed for each row runs on all threads. */
function inRows(value: Tensor): Tensor {
  const dims = value.dims as readonly number[]
  const size = dims.reduce((product, dim) => product * dim, 1)
  let length = 1
  for (let axis = dims.length - 1; axis >= 0 && length < 256; axis--) length *= dims[axis]
  return value.to('float32').reshape([size / length, length])
}

/** Records the sums of finite values, and how many elements at least share the largest or the smallest place, less those that always do. */
function quickSums(a: Tensor, b: Tensor): Tensor {
  const difference = a.sub(b)
  const size = difference.abs()
  const sum = (values: Tensor): Tensor => values.sum(-1).sum().reshape([1])
  const ends = (values: Tensor, count: number, largest: boolean): Tensor =>
    values
      .topk(Math.min(count, values.dims[1] as number), -1, { largest })
      .values.flatten()
      .topk(count, -1, { largest }).values
  const repeats = (largest: boolean): Tensor => {
    const [first, second] = [0, 1].map(i => ends(b, 2, largest).narrow(0, i, 1))
    return first.eq(second).to('float32')
  }
  return cat([
    ends(size, 1, true),
    sum(size),
    sum(difference.mul(difference)),
    sum(a.mul(a)),
    sum(b.mul(b)),
    repeats(true).add(repeats(false)),
  ])
}

/** Records the number of elements that equal B's largest or smallest element, but in A do not equal A's. */
function clippedCount(a: Tensor, b: Tensor): Tensor {
  const isAtEnd = (values: Tensor): Tensor => values.eq(values.amax()).or(values.eq(values.amin()))
  return isAtEnd(b).and(isAtEnd(a).not()).to('float32').sum()
}

/** Records the sums of values that may have elements that are no numbers. */
function sums(a: Tensor, b: Tensor): Tensor {
  const [left, right] = [a.to('float32').flatten(), b.to('float32').flatten()]
  const isEqual = left.eq(right).or(left.isnan().and(right.isnan()))
  const isBroken = right.isfinite().not().and(isEqual.not())
  const isUsable = left.isfinite().and(right.isfinite())
  const [x, y] = [where(isUsable, left, 0), where(isUsable, right, 0)]
  const difference = x.sub(y)
  const count = (flags: Tensor): Tensor => flags.to('float32').sum()
  const each = [
    difference.abs().amax(),
    difference.abs().sum(),
    difference.mul(difference).sum(),
    x.mul(x).sum(),
    y.mul(y).sum(),
    count(isBroken),
    clippedCount(x, y),
    count(isUsable),
  ]
  return cat(each.map(number => number.reshape([1])))
}

interface Sums {
  readonly max: number
  readonly total: number
  /** The sums of the squares of the difference, of A's elements and of B's. */
  readonly error: number
  readonly ours: number
  readonly theirs: number
  readonly nonFinite: number
  readonly clipped: number
  readonly count: number
}

function ofSums({ max, total, error, ours, theirs, nonFinite, clipped, count }: Sums): Difference {
  const elements = Math.max(count, 1)
  const dot = (ours + theirs - error) / 2
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
