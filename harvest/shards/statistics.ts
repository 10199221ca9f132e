import { evaluate } from '../../runtime/graph/recorder.ts'
import { stateOf, Tensor } from '../../runtime/tensor/tensor.ts'

/** The statistics of one place in one shard. Lists are float32 numbers in base64. */
export interface PlaceStatistics {
  readonly name: string
  readonly count: number
  /** The mean of each element of a row. */
  readonly mean: string
  /** The sum of squared distances from the mean, of each element. */
  readonly squares: string
  /** Evenly spread quantiles of the rows' lengths, from the least to the largest. */
  readonly norms: readonly number[]
  /** The same of single numbers. */
  readonly values: readonly number[]
  /** The sum of the rows' lengths. */
  readonly normSum: number
}

/** The statistics of one place in all shards. */
export interface Statistics {
  /** The number of rows. */
  readonly count: number
  /** The mean of each element of a row. */
  readonly mean: Float32Array
  /** The standard deviation of each element of a row, over all rows. */
  readonly std: Float32Array
  /** The lengths of rows: their mean, and quantiles. */
  readonly norm: { readonly mean: number; readonly quantiles: Quantiles }
  /** Quantiles of single numbers. */
  readonly values: { readonly quantiles: Quantiles }
}

/** Quantiles by their share: `quantiles[0.5]` is the median. They come from quantiles of each shard, so they are close but not exact. */
export type Quantiles = Readonly<Record<number, number>>

const SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1] as const
/** Enough for every share above, and few enough to be part of each shard. */
const POINTS = 201
/** Single numbers whose quantiles are taken in one shard. */
const SAMPLE = 20_000

/** Numbers of which sums are taken at once: what the cores' caches hold, as each sum goes through all of them. */
const AT_ONCE = 2 ** 19

/** The statistics of the rows of a place. onnxruntime computes the sums. */
export async function statisticsOf(
  name: string,
  data: Float32Array | Uint16Array,
  rows: number,
): Promise<PlaceStatistics> {
  const size = data.length / rows
  const moments = new Moments(size)
  const norms = new Float32Array(rows)
  const step = Math.max(1, Math.floor(AT_ONCE / size))
  for (let at = 0; at < rows; at += step) {
    const count = Math.min(step, rows - at)
    const part = floats(data.subarray(at * size, (at + count) * size), [count, size])
    const mean = part.mean([0])
    const off = part.sub(mean)
    const [means, squares, lengths] = await valuesOf(mean, off.mul(off).sum([0]), part.norm(2, [1]))
    moments.add(means, squares, count)
    norms.set(lengths, at)
  }
  const some = sample(data)
  const [numbers] = await valuesOf(floats(some, [some.length]).add(0))
  return {
    name,
    count: rows,
    mean: encoded(Float32Array.from(moments.mean)),
    squares: encoded(Float32Array.from(moments.squares)),
    norms: spread(norms),
    normSum: norms.reduce((sum, norm) => sum + norm, 0),
    values: spread(numbers),
  }
}

const floats = (data: Float32Array | Uint16Array, dims: readonly number[]): Tensor =>
  Tensor.of({ type: data instanceof Float32Array ? 'float32' : 'float16', dims, data }).to('float32')

/** The elements of all tensors, computed at once. */
async function valuesOf(...tensors: Tensor[]): Promise<Float32Array[]> {
  const found = await evaluate(tensors.map(tensor => stateOf(tensor).value))
  return found.map(({ data }) => data as Float32Array)
}

/** Every k-th number, so that a large shard is not sorted whole. */
function sample<N extends Float32Array | Uint16Array>(data: N): N {
  const step = Math.ceil(data.length / SAMPLE)
  const found = data.slice(0, Math.ceil(data.length / step)) as N
  for (let i = 0; i < found.length; i++) found[i] = data[i * step]
  return found
}

/** Means of each element of a row and squared distances from them, joined part by part as Chan et al. 1983 do. */
class Moments {
  readonly mean: Float64Array
  readonly squares: Float64Array
  count = 0

  constructor(size: number) {
    this.mean = new Float64Array(size)
    this.squares = new Float64Array(size)
  }

  add(mean: Float32Array, squares: Float32Array, count: number): void {
    const all = this.count + count
    for (let i = 0; i < mean.length; i++) {
      const delta = mean[i] - this.mean[i]
      this.mean[i] += (delta * count) / all
      this.squares[i] += squares[i] + (delta * delta * this.count * count) / all
    }
    this.count = all
  }
}

/** Evenly spread quantiles of numbers. NaN and infinities are left out. */
function spread(numbers: Float32Array): number[] {
  const sorted = numbers.filter(Number.isFinite).sort()
  if (sorted.length === 0) return []
  const points = Math.min(POINTS, sorted.length)
  return Array.from(
    { length: points },
    (_, i) => sorted[Math.round((i * (sorted.length - 1)) / Math.max(1, points - 1))],
  )
}

const encoded = (numbers: Float32Array): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64')

function decoded(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Joins the statistics of shards; undefined if there are no rows. */
export function joinedStatistics(parts: readonly PlaceStatistics[]): Statistics | undefined {
  const used = parts.filter(({ count }) => count > 0)
  if (used.length === 0) return undefined
  const moments = new Moments(decoded(used[0].mean).length)
  for (const { mean, squares, count } of used) moments.add(decoded(mean), decoded(squares), count)
  const { count } = moments
  return {
    count,
    mean: Float32Array.from(moments.mean),
    std: Float32Array.from(moments.squares, sum => Math.sqrt(sum / count)),
    norm: {
      mean: used.reduce((sum, { normSum }) => sum + normSum, 0) / count,
      quantiles: quantilesOf(used.map(({ norms, count }) => ({ points: norms, count }))),
    },
    values: { quantiles: quantilesOf(used.map(({ values, count }) => ({ points: values, count }))) },
  }
}

/** Quantiles of several lists of evenly spread quantiles, each weighted by the number of rows that it stands for. */
function quantilesOf(parts: readonly { readonly points: readonly number[]; readonly count: number }[]): Quantiles {
  const weighted = parts
    .flatMap(({ points, count }) => points.map(value => ({ value, weight: count / points.length })))
    .sort((a, b) => a.value - b.value)
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  const found: Record<number, number> = {}
  for (const share of SHARES) {
    let sum = 0
    // The middle of each weight is its place, so that a single list gives its own quantiles.
    const at = weighted.find(({ weight }) => {
      sum += weight
      return sum - weight / 2 >= share * (total - (weighted[0]?.weight ?? 0)) + (weighted[0]?.weight ?? 0) / 2 - 1e-9
    })
    found[share] = at?.value ?? weighted.at(-1)?.value ?? Number.NaN
  }
  return found
}
