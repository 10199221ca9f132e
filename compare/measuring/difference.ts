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

/** Values of equal dims are measured together, up to this number of elements: each run has a cost of its own. */
const TOGETHER = 2 ** 20

type Pair = readonly [ours: Tensor, theirs: Tensor]

/** Computes how values of B differ from those of A. */
export async function differencesOf(pairs: readonly Pair[]): Promise<Difference[]> {
  const found = new Map<Pair, Difference>()
  const large = new Map<string, Pair[]>()
  for (const pair of pairs) {
    const [ours, theirs] = pair
    const size = sizeOf(ours)
    if (isSame(ours, theirs)) found.set(pair, SAME)
    else if (size < SMALL) found.set(pair, await ofAnyValues(ours, theirs))
    else large.set(String(ours.dims), [...(large.get(String(ours.dims)) ?? []), pair])
  }
  for (const list of large.values()) {
    const most = Math.max(1, Math.floor(TOGETHER / sizeOf(list[0][0])))
    for (let i = 0; i < list.length; i += most) {
      const some = list.slice(i, i + most)
      for (const [j, difference] of (await ofFiniteValues(some)).entries()) found.set(some[j], difference)
    }
  }
  return pairs.map(pair => found.get(pair)!)
}

const sizeOf = ({ dims }: Tensor): number => (dims as readonly number[]).reduce((product, dim) => product * dim, 1)

/** The differences of values of equal dims. Those that are not finite are measured again, apart. */
async function ofFiniteValues(pairs: readonly Pair[]): Promise<Difference[]> {
  const [a, b] = [pairs.map(([ours]) => inRows(ours)), pairs.map(([, theirs]) => inRows(theirs))]
  const count = sizeOf(pairs[0][0])
  const all = await numbers(quickSums(stacked(a), stacked(b)))
  const found: Difference[] = []
  for (const [i, [ours, theirs]] of pairs.entries()) {
    const [max, total, error, square, other, ties] = Array.from({ length: 6 }, (_, j) => all[j * pairs.length + i])
    // A NaN or an infinite number makes one of the sums so.
    if (!Number.isFinite(error + square + other)) {
      found.push(await ofAnyValues(ours, theirs))
      continue
    }
    const [clipped] = ties > 0 ? await numbers(clippedCount(a[i], b[i]).reshape([1])) : [0]
    found.push(ofSums({ max, total, error, ours: square, theirs: other, nonFinite: 0, clipped, count }))
  }
  return found
}

async function ofAnyValues(ours: Tensor, theirs: Tensor): Promise<Difference> {
  const [max, total, error, square, other, nonFinite, clipped, count] = await numbers(sums(ours, theirs))
  return ofSums({ max, total, error, ours: square, theirs: other, nonFinite, clipped, count })
}

const stacked = (values: readonly Tensor[]): Tensor =>
  values.length === 1 ? values[0].unsqueeze(0) : cat(values.map(value => value.unsqueeze(0)))

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

/**
 * Records the sums of finite values, each of which is a matrix, and how many elements at least share the largest or the smallest place, less
 * those that always do: six numbers for each value.
 */
function quickSums(a: Tensor, b: Tensor): Tensor {
  const difference = a.sub(b)
  const size = difference.abs()
  const [values, rows, length] = a.dims as readonly number[]
  const sum = (each: Tensor): Tensor => each.sum(-1).sum(-1)
  const ends = (each: Tensor, count: number, largest: boolean): Tensor => {
    const inRow = Math.min(count, length)
    const ofRows = each.topk(inRow, -1, { largest }).values.reshape([values, rows * inRow])
    return ofRows.topk(count, -1, { largest }).values
  }
  const repeats = (largest: boolean): Tensor => {
    const two = ends(b, 2, largest)
    return two
      .narrow(1, 0, 1)
      .eq(two.narrow(1, 1, 1))
      .to('float32')
      .flatten()
  }
  return cat([
    ends(size, 1, true).flatten(),
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
