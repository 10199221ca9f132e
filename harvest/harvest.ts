import { setTimeout as wait } from 'node:timers/promises'
import { HarvestError } from '../runtime/errors/harvest.ts'
import type { Model } from '../runtime/model/model.ts'
import { knownOptions } from '../runtime/tensor/arguments/known-options.ts'
import { type Begun, begin } from './begin.ts'
import { Harvest } from './harvested.ts'
import { HARVEST_OPTIONS, type HarvestOptions } from './options.ts'
import { Counter } from './progress.ts'
import { queuedHarvest } from './queued.ts'
import { infoOf, runBatch } from './run-batch.ts'
import { runShard } from './run-shard.ts'
import { STORED_DTYPES } from './shards/float.ts'
import { indexWith, writeIndex } from './shards/index-file.ts'
import { SHARD_FORMATS, type ShardInfo, shardName } from './shards/shard.ts'
import { ShardMemory } from './shards/shard-memory.ts'
import { shardParts } from './shards/write.ts'
import type { Store } from './store/store.ts'

/** How often the index is written while the harvest runs. It can be made again from the shards. */
const INDEX_MS = 10_000

/**
 * Runs a model on many documents and stores the values of chosen places, in shards with an index. If it is interrupted, at any moment, the same
 * call goes on, and each row is there exactly once.
 * @throws HarvestError; OtherHarvestError if the folder holds another harvest; MissingPackageError for Parquet and Arrow
 * @example
 * const found = await harvest(model, { at: 'transformer.h.*.output', texts: 'corpus.jsonl', out: 'activations' })
 */
export async function harvest(model: Model, options: HarvestOptions): Promise<Harvest> {
  const known = checked(options)
  const { edit } = known
  const edited = edit ? model.edit(edit) : model
  const begun = await begin(edited, known)
  const { store, index, there } = begun
  const infos = new Map(there)
  const before = indexWith(index, infos, false)
  const counter = new Counter({ rows: before.rows, shards: infos.size }, known.onProgress)
  await (known.queue === undefined
    ? harvestHere(begun, known, infos, counter)
    : queuedHarvest(begun, known, infos, counter))
  const whole = indexWith(index, infos, true)
  await writeIndex(store, whole)
  return new Harvest(store, whole)
}

/** Makes the shards that are not there, in this process. */
async function harvestHere(
  { reads, store, index, plans, batchSize }: Begun,
  { signal, keepFree = 2 ** 30 }: HarvestOptions,
  infos: Map<number, ShardInfo>,
  counter: Counter,
): Promise<void> {
  let written = performance.now()
  let writing: Promise<void> | undefined
  // While a shard is written from one, the next one is computed into the other.
  const memories = [new ShardMemory(), new ShardMemory()]
  let made = 0
  for await (const plan of plans) {
    signal?.throwIfAborted()
    if (infos.has(plan.number)) {
      counter.skips(plan)
      continue
    }
    counter.begins(plan)
    const { rows, statistics } = await runShard(reads, plan, {
      batchSize,
      run: batch => runBatch(reads, batch, signal),
      onRows: done => counter.computed(done),
      memory: memories[made++ % 2],
      signal,
    })
    const info = infoOf(index.harvest, plan, statistics)
    const parts = await shardParts(index.format, rows, info)
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    await roomFor(store, bytes + keepFree, counter, signal)
    // The next shard is computed while this one is written, and no more than one is.
    await writing
    writing = store.put(shardName(plan.number, index.format), parts).then(async () => {
      infos.set(plan.number, info)
      counter.stored(bytes)
      if (performance.now() - written < INDEX_MS) return
      written = performance.now()
      await writeIndex(store, indexWith(index, infos, false))
    })
    // It is awaited above or below; until then its failure is no unhandled one.
    writing.catch(() => undefined)
  }
  await writing
}

const WAIT_MS = 2000

/** Waits until the disk has so many free bytes. */
async function roomFor(store: Store, bytes: number, counter: Counter, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    const free = await store.free()
    if (free === undefined || free >= bytes) return
    counter.tell('disk space')
    await wait(WAIT_MS, undefined, signal ? { signal } : {})
  }
}

/** Options whose values have been checked. @throws HarvestError, UnknownOptionError */
function checked(options: HarvestOptions): HarvestOptions {
  const known = knownOptions<HarvestOptions>('harvest()', options, HARVEST_OPTIONS)
  if (typeof known.out !== 'string' || known.out === '')
    throw new HarvestError('No folder was named.', "say where the shards go: out: 'activations'")
  const wholes = ['contextLength', 'limit', 'batchSize', 'shardRows'] as const
  for (const name of wholes) {
    const value = known[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      throw new HarvestError(`${name} is ${String(value)}.`, 'give a whole number of 1 or more')
  }
  oneOf('dtype', known.dtype, STORED_DTYPES)
  oneOf('format', known.format, SHARD_FORMATS)
  oneOf('long', known.long, ['split', 'cut'])
  return known
}

function oneOf(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return
  throw new HarvestError(`${name} is ${JSON.stringify(value)}.`, `give one of ${choices.join(', ')}`)
}
