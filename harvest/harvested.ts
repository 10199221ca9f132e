import { HarvestError } from '../runtime/errors/harvest.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { fromBfloat16 } from './shards/float.ts'
import { type HarvestIndex, indexWith, readIndex, shardsThere } from './shards/index-file.ts'
import { readShard } from './shards/read.ts'
import { type IndexedPlace, type ShardInfo, type ShardRows, shardNumber } from './shards/shard.ts'
import { joinedStatistics, type Statistics } from './shards/statistics.ts'
import { shuffled } from './shuffle.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'

/** Rows of a harvest. */
export interface HarvestRows {
  /** The values of each place, by its name: `[rows, …]`. bfloat16 becomes float32. */
  readonly values: Readonly<Record<string, Tensor>>
  /** The number of each row's document in the source. */
  readonly document: Int32Array
  /** The position of each row's token in its document; -1 for a row of a whole document. */
  readonly position: Int32Array
  /** The id of each row's token; -1 for a row without one. */
  readonly token: Int32Array
}

/** Options of `batches()`. */
export interface BatchOptions {
  /** The rows of a batch; the last one may have fewer. @default 1024 */
  readonly size?: number
  /** A seed: rows come in an order that it decides. Without one, they come as they are stored. */
  readonly shuffle?: number
  /** The shards among which rows are shuffled, all of which are in memory. @default 4 */
  readonly pool?: number
  /** The places to read. @default all */
  readonly places?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * Opens what `harvest()` wrote, to read it. @throws HarvestError if there is no harvest
 * @example
 * const activations = await openHarvest('activations')
 * for await (const { values } of activations.batches({ size: 4096, shuffle: 1 })) train(values['transformer.h.1.output'])
 */
export async function openHarvest(folder: string): Promise<Harvest> {
  const store = await openStore(folder)
  const index = await readIndex(store)
  if (!index)
    throw new HarvestError(
      `There is no harvest in ${folder}: it has no index.json.`,
      'name the folder that `out` named',
    )
  // While a harvest runs, its index is older than its shards.
  return new Harvest(store, index.complete ? index : indexWith(index, await shardsThere(store, index.format), false))
}

/** The rows that a harvest stored. */
export class Harvest {
  readonly index: HarvestIndex
  readonly #store: Store

  constructor(store: Store, index: HarvestIndex) {
    this.#store = store
    this.index = index
  }

  /** The folder that it lies in. */
  get folder(): string {
    return this.#store.name
  }

  /** The number of rows. */
  get rows(): number {
    return this.index.rows
  }

  /** The places that are stored. */
  get places(): readonly IndexedPlace[] {
    return this.index.places
  }

  /** The mean, deviation and quantiles of each place, from what the shards say. */
  async statistics(): Promise<Readonly<Record<string, Statistics>>> {
    const infos: ShardInfo[] = [...(await shardsThere(this.#store, this.index.format)).values()]
    infos.sort((a, b) => a.number - b.number)
    return Object.fromEntries(
      this.places.flatMap(({ name }) => {
        const found = joinedStatistics(infos.flatMap(({ statistics }) => statistics.filter(one => one.name === name)))
        return found ? [[name, found] as const] : []
      }),
    )
  }

  /** Reads all rows once, in batches: in the order in which they are stored, or shuffled. @throws HarvestError */
  async *batches(options: BatchOptions = {}): AsyncGenerator<HarvestRows, undefined> {
    const known = knownOptions<BatchOptions>('batches()', options, ['size', 'shuffle', 'pool', 'places', 'signal'])
    const { size = 1024, shuffle, pool = 4, signal } = known
    for (const [name, value] of Object.entries({ size, pool }))
      if (!(Number.isSafeInteger(value) && value > 0))
        throw new HarvestError(`${name} is ${value}.`, 'give a whole number of 1 or more')
    const places = this.#chosen(known.places)
    const numbers = this.index.shards.map(({ file }) => shardNumber(file)!)
    const order = shuffle === undefined ? numbers : shuffled(numbers, shuffle)
    const at = shuffle === undefined ? 1 : pool
    let rest: readonly Row[] = []
    for (let i = 0; i < order.length; i += at) {
      signal?.throwIfAborted()
      const shards: ShardRows[] = []
      for (const number of order.slice(i, i + at))
        shards.push(await readShard(this.#store, number, this.index.format, places))
      const own = shards.flatMap(shard => Array.from({ length: shard.rows }, (_, row): Row => ({ shard, row })))
      const all = [...rest, ...(shuffle === undefined ? own : shuffled(own, shuffle + i + 1))]
      const isLast = i + at >= order.length
      const whole = isLast ? all.length : all.length - (all.length % size)
      for (let from = 0; from < whole; from += size)
        yield gathered(all.slice(from, Math.min(whole, from + size)), places)
      rest = all.slice(whole)
    }
  }

  #chosen(names: readonly string[] | undefined): readonly IndexedPlace[] {
    if (names === undefined) return this.places
    return names.map(name => {
      const place = this.places.find(one => one.name === name)
      if (place) return place
      throw new HarvestError(
        `The harvest has no place ${name}.`,
        `it has ${this.places.map(({ name }) => name).join(', ')}`,
      )
    })
  }

  toString(): string {
    const { rows, documents, shards, places, complete } = this.index
    const each = places.map(({ name, dtype, shape }) => `  ${name}  ${dtype} [${shape.join(', ')}]`)
    return `Harvest(${rows} rows of ${documents} documents in ${shards.length} shards${complete ? '' : ', not complete'})\n${each.join('\n')}`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

interface Row {
  readonly shard: ShardRows
  readonly row: number
}

/** Rows of several shards as tensors. */
function gathered(rows: readonly Row[], places: readonly IndexedPlace[]): HarvestRows {
  const column = (name: 'document' | 'position' | 'token'): Int32Array =>
    Int32Array.from(rows, ({ shard, row }) => shard[name][row])
  const values = places.map(({ name, dtype, shape }, place) => {
    const size = sizeOf(shape)
    const data = dtype === 'float32' ? new Float32Array(rows.length * size) : new Uint16Array(rows.length * size)
    for (const [i, { shard, row }] of rows.entries())
      data.set(shard.places[place].data.subarray(row * size, (row + 1) * size), i * size)
    const dims = [rows.length, ...shape]
    const isBrain = dtype === 'bfloat16'
    const tensor = isBrain
      ? Tensor.of({ type: 'float32', dims, data: fromBfloat16(data as Uint16Array) })
      : Tensor.of({ type: dtype, dims, data })
    return [name, tensor] as const
  })
  return {
    values: Object.fromEntries(values),
    document: column('document'),
    position: column('position'),
    token: column('token'),
  }
}
