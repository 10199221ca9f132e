import { nodeProvider } from '../../runtime/engine/providers/node.ts'
import { Calculator } from '../../runtime/engine/running/calculator.ts'
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

/**
 * Quantiles by their share: `quantiles[0.5]` is the median. They come from some thousand numbers of each shard, so they are close but not exact. The least and the
 * largest of the lengths, `quantiles[0]` and `quantiles[1]`, are exact; those of single numbers are those of the numbers that were looked at.
 */
export type Quantiles = Readonly<Record<number, number>>

const SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1] as const
/** Enough for every share above, and few enough to be part of each shard. */
const POINTS = 201
/** Numbers whose quantiles are taken in one shard: sorting more of them takes longer than all sums. */
const SAMPLE = 4096

/** Numbers whose sums one run takes: many, so that there are few runs, but no more than the cores' caches hold while it works on them. */
const AT_ONCE = 2 ** 19

type Rows = Float32Array | Uint16Array

/** The numbers of one place in all rows of a shard, `size` in each row. */
interface PlaceNumbers {
  readonly name: string
  readonly size: number
  readonly values: Rows
}

/**
 * The statistics of all rows of a shard, place by place. They are taken when its last batch has run, in a few large pieces: beside the batches, each small
 * one would wait for the threads of the model's session. onnxruntime computes the sums.
 */
export async function statisticsOf(places: readonly PlaceNumbers[], rows: number): Promise<PlaceStatistics[]> {
  const found: PlaceStatistics[] = []
  if (rows > 0) for (const place of places) found.push(await ofPlace(place, rows))
  return found
}

async function ofPlace({ name, size, values }: PlaceNumbers, count: number): Promise<PlaceStatistics> {
  const moments = new Moments(size)
  const norms = new Float32Array(count)
  const most = Math.max(1, Math.floor(AT_ONCE / Math.max(1, size)))
  for (let at = 0; at < count; at += most) {
    const rows = Math.min(most, count - at)
    const part = floats(values.subarray(at * size, (at + rows) * size), [rows, size])
    const ones = onesOf([1, rows])
    const mean = ones.matmul(part).mul(1 / rows)
    const off = part.sub(mean)
    const lengths = part
      .mul(part)
      .matmul(onesOf([size, 1]))
      .sqrt()
    const [means, squares, own] = await valuesOf(mean, ones.matmul(off.mul(off)), lengths)
    norms.set(own, at)
    moments.add(means, squares, rows)
  }
  const some = sample(values.subarray(0, count * size), size)
  const numbers = some instanceof Float32Array ? some : (await valuesOf(floats(some, [some.length])))[0]
  return {
    name,
    count,
    mean: encoded(Float32Array.from(moments.mean)),
    squares: encoded(Float32Array.from(moments.squares)),
    norms: spread(withEnds(sample(norms, 1), norms)),
    normSum: norms.reduce((sum, norm) => sum + norm, 0),
    values: spread(numbers),
  }
}

const floats = (data: Rows, dims: readonly number[]): Tensor =>
  Tensor.of({ type: data instanceof Float32Array ? 'float32' : 'float16', dims, data }).to('float32')

const calculator = new Calculator(nodeProvider({ device: 'cpu', deviceId: 0 }))

/** A product with ones is a sum, and a faster one than that over an axis. */
const onesOf = (dims: readonly [number, number]): Tensor =>
  Tensor.of({ type: 'float32', dims, data: new Float32Array(dims[0] * dims[1]).fill(1) })

/** The elements of all tensors, computed at once. */
async function valuesOf(...tensors: Tensor[]): Promise<Float32Array[]> {
  const found = await calculator.evaluate(tensors.map(tensor => stateOf(tensor).value))
  return found.map(({ data }) => data as Float32Array)
}

/** Every k-th number of rows of this size, so that a large shard is not sorted whole. */
function sample<N extends Rows>(data: N, size: number): N {
  let step = Math.max(1, Math.ceil(data.length / SAMPLE))
  // A step with a divisor in common with the size would meet some elements of a row and never the others.
  while (commonDivisor(step, size) > 1) step++
  const found = data.slice(0, Math.ceil(data.length / step)) as N
  for (let i = 0; i < found.length; i++) found[i] = data[i * step]
  return found
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}

/** Some of the numbers, and the least and the largest of all. */
function withEnds(some: Float32Array, all: Float32Array): Float32Array {
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const number of all) {
    if (number < least) least = number
    if (number > largest) largest = number
  }
  return Float32Array.of(...some, least, largest)
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
  let finite = 0
  const all = new Float32Array(numbers.length)
  for (const number of numbers) if (Number.isFinite(number)) all[finite++] = number
  const sorted = all.subarray(0, finite).sort()
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
