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

/** Numbers whose sums are worth a run of their own; those of smaller batches are taken together. */
const AT_ONCE = 2 ** 16

type Rows = Float32Array | Uint16Array

/** The statistics of the rows of several places, taken batch by batch, while the cores' caches hold them. onnxruntime computes the sums. */
export class RunningStatistics {
  readonly #places: readonly { readonly name: string; readonly size: number }[]
  readonly #moments: readonly Moments[]
  readonly #norms: readonly Float32Array[]
  /** Rows of small batches, whose sums are not taken yet. */
  readonly #held: Rows[] = []
  #heldRows = 0

  /** @param rows the number of rows that will come in all */
  constructor(places: readonly { readonly name: string; readonly size: number }[], rows: number) {
    this.#places = places
    this.#moments = places.map(({ size }) => new Moments(size))
    this.#norms = places.map(() => new Float32Array(rows))
  }

  /** Adds rows: the numbers of each place, which are read before this returns or resolves. */
  async add(values: readonly Rows[], rows: number): Promise<void> {
    const largest = Math.max(...this.#places.map(({ size }) => size))
    const most = Math.max(1, Math.floor(AT_ONCE / Math.max(1, largest)))
    if (rows >= most) return this.#take(values, rows)
    if (this.#heldRows + rows > most) await this.#takeHeld()
    for (const [i, data] of values.entries()) {
      const { size } = this.#places[i]
      const length = most * size
      this.#held[i] ??= data instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length)
      this.#held[i].set(data.subarray(0, rows * size), this.#heldRows * size)
    }
    this.#heldRows += rows
  }

  async #takeHeld(): Promise<void> {
    const rows = this.#heldRows
    this.#heldRows = 0
    if (rows > 0)
      await this.#take(
        this.#held.map((held, i) => held.subarray(0, rows * this.#places[i].size)),
        rows,
      )
  }

  async #take(values: readonly Rows[], rows: number): Promise<void> {
    const ones = onesOf([1, rows])
    const wanted = values.flatMap((data, i) => {
      const { size } = this.#places[i]
      const part = floats(data.subarray(0, rows * size), [rows, size])
      const mean = ones.matmul(part).mul(1 / rows)
      const off = part.sub(mean)
      const lengths = part
        .mul(part)
        .matmul(onesOf([size, 1]))
        .sqrt()
      return [mean, ones.matmul(off.mul(off)), lengths]
    })
    const found = await valuesOf(...wanted)
    for (const [i, moments] of this.#moments.entries()) {
      const [mean, squares, norms] = found.slice(3 * i)
      this.#norms[i].set(norms, moments.count)
      moments.add(mean, squares, rows)
    }
  }

  /** The statistics of all rows that were added. @param values the same rows, in any order */
  async end(values: readonly Rows[]): Promise<PlaceStatistics[]> {
    await this.#takeHeld()
    const ends: PlaceStatistics[] = []
    for (const [i, { name, size }] of this.#places.entries()) {
      const { count, mean, squares } = this.#moments[i]
      if (count === 0) continue
      const norms = this.#norms[i].subarray(0, count)
      const some = sample(values[i].subarray(0, count * size), size)
      const numbers = some instanceof Float32Array ? some : (await valuesOf(floats(some, [some.length])))[0]
      ends.push({
        name,
        count,
        mean: encoded(Float32Array.from(mean)),
        squares: encoded(Float32Array.from(squares)),
        norms: spread(withEnds(sample(norms, 1), norms)),
        normSum: norms.reduce((sum, norm) => sum + norm, 0),
        values: spread(numbers),
      })
    }
    return ends
  }
}

const floats = (data: Rows, dims: readonly number[]): Tensor =>
  Tensor.of({ type: data instanceof Float32Array ? 'float32' : 'float16', dims, data }).to('float32')

/** One thread: with more, the others would spend as much time on waiting for such short work. */
const calculator = new Calculator(nodeProvider({ device: 'cpu', deviceId: 0, threads: 1 }))

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
