import { createHash } from 'node:crypto'
import { OtherHarvestError } from '../runtime/errors/harvest.ts'
import { version } from '../runtime/errors/version.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import type { Model } from '../runtime/model/model.ts'
import { modelHash } from '../runtime/onnx/reading/model-hash.ts'
import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import { type Cutting, type Mark, type Piece, piecesOf } from './documents.ts'
import { editsHash, type Sample, sampleOf } from './edits-hash.ts'
import type { HarvestOptions } from './options.ts'
import { placesOf } from './places/pattern.ts'
import { takenOf } from './places/take.ts'
import { plansOf, type ShardPlan } from './plan.ts'
import { Reads } from './reads.ts'
import { assertSame, type HarvestIndex, readIndex, shardsThere, writeIndex } from './shards/index-file.ts'
import type { ShardInfo } from './shards/shard.ts'
import { checkFormat } from './shards/write.ts'
import { sourceOf } from './source.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'

/** The bytes of a shard's values, if the user names no number of rows. */
const SHARD_BYTES = 64 * 2 ** 20

/** A harvest that is to run, or to go on. */
export interface Begun {
  readonly reads: Reads
  readonly store: Store
  /** The index, without what its shards add to it. */
  readonly index: HarvestIndex
  /** The shards that are there. */
  readonly there: ReadonlyMap<number, ShardInfo>
  /** The shards from the first one that is not there. */
  readonly plans: AsyncIterable<ShardPlan>
  /** The tokens of a batch, or documents of a model without tokens; 1 if each document runs by itself. */
  readonly batchSize: number
}

/** Finds out what is to be harvested, and what is there already. @throws HarvestError, OtherHarvestError */
export async function begin(model: Model, options: HarvestOptions): Promise<Begun> {
  const { format = 'safetensors', dtype = 'float32' } = options
  await checkFormat(format)
  const target = asTraceable(model, 'harvest')
  const loaded = target.identity as LoadedModel
  const source = await sourceOf(model, options)
  const taken = takenOf(options.take ?? (source.kind === 'tensors' || source.kind === 'images' ? 'whole' : 'all'))
  const places = placesOf(model, [options.at].flat())
  const reads = new Reads(model, places, taken, dtype)
  const store = await openStore(options.out)
  const before = await readIndex(store)
  if (before && before.format !== format) throw new OtherHarvestError(store.name, 'format')
  const there = await shardsThere(store, format)
  // Shards that are there without a gap tell where to go on.
  let next = 0
  while (there.has(next)) next++
  const cutting: Cutting = {
    language: loaded.language,
    context: contextOf(loaded, reads, options.contextLength),
    long: options.long ?? 'split',
    limit: options.limit ?? Number.POSITIVE_INFINITY,
  }
  const start: Mark = there.get(next - 1)?.next ?? { document: 0, token: 0 }
  const { first, all } = await peeked(piecesOf(source.items, cutting, start))
  const layouts = first && (await reads.prepare(first))
  const stored = before?.places ?? places.map(({ name }, i) => ({ name, dtype, shape: layouts?.[i].shape ?? [] }))
  const bytes = stored.reduce((sum, { shape }) => sum + sizeOf(shape) * (dtype === 'float32' ? 4 : 2), 0)
  const sample = (before?.made.sample as Sample | undefined) ?? (first ? sampleOf(first) : null)
  const made = {
    model: await modelHash(loaded.source.path),
    at: places.map(({ name }) => name),
    take: options.take ?? taken.kind,
    dtype,
    source: source.about,
    contextLength: cutting.context ?? null,
    long: cutting.long,
    shardRows: options.shardRows ?? before?.made.shardRows ?? Math.max(1, Math.floor(SHARD_BYTES / Math.max(1, bytes))),
    sample,
    edits: target.edits.length > 0 && sample ? await editsHash(model, reads, sample) : null,
  }
  if (before) assertSame(store, before.made, made)
  const harvest = createHash('sha256').update(JSON.stringify(made)).digest('hex')
  if ([...there.values()].some(info => info.harvest !== harvest)) throw new OtherHarvestError(store.name, 'origin')
  const index: HarvestIndex = {
    version: 1,
    harvest,
    format,
    places: stored,
    made,
    versions: { onnsight: version, node: process.versions.node },
    complete: false,
    rows: 0,
    documents: 0,
    shards: [],
  }
  if (!before && first) await writeIndex(store, index)
  const rowsOf = async (piece: Piece) => {
    await reads.prepare(piece)
    return reads.positions(piece).length
  }
  const plans = plansOf(all, rowsOf, Number(made.shardRows), next)
  const isAlone = options.alone ?? (target.edits.length > 0 || (first && (await reads.mixing(first))) !== undefined)
  const usual = first?.ids ? 2048 : 16
  const batchSize = isAlone || reads.fixedRows === 1 ? 1 : (options.batchSize ?? usual)
  return { reads, store, index, there, plans, batchSize }
}

/** The most tokens that the model sees at once: what the user says, what its dims fix, what its files or its tables say. */
function contextOf(loaded: LoadedModel, reads: Reads, chosen: number | undefined): number | undefined {
  const tables = loaded.limits.filter(({ kind }) => kind !== 'token').map(({ rows }) => rows)
  const limits = [chosen, reads.fixedTokens, loaded.language?.contextLength, ...tables].filter(
    (limit): limit is number => limit !== undefined && Number.isFinite(limit),
  )
  return limits.length > 0 ? Math.min(...limits) : undefined
}

/** The first of some values, and all of them. */
async function peeked<T>(
  values: AsyncGenerator<T>,
): Promise<{ readonly first: T | undefined; readonly all: AsyncIterable<T> }> {
  const { value, done } = await values.next()
  if (done) return { first: undefined, all: values }
  const all = async function* () {
    yield value as T
    yield* values
  }
  return { first: value as T, all: all() }
}
