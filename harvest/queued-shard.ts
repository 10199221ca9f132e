import type { JobModel, UsingModel } from '../queue/jobs.ts'
import { HarvestError } from '../runtime/errors/harvest.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Model } from '../runtime/model/model.ts'
import { Tensor } from '../runtime/tensor/tensor.ts'
import { decodeData, type EncodedData, encodeData } from '../runtime/tensor/values/encoded.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { Mark, Piece } from './documents.ts'
import { placesOf } from './places/pattern.ts'
import type { Taken } from './places/take.ts'
import type { ShardPlan } from './plan.ts'
import { Reads } from './reads.ts'
import { filled, infoOf, runBatch } from './run-batch.ts'
import { runShard } from './run-shard.ts'
import type { StoredDtype } from './shards/float.ts'
import { readInfo } from './shards/read.ts'
import { type ShardFormat, shardName } from './shards/shard.ts'
import { shardParts } from './shards/write.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'

/** A shard of a harvest as a job: the documents, the places and where the shard goes. */
export interface ShardJob {
  readonly model: JobModel
  readonly out: string
  readonly format: ShardFormat
  readonly harvest: string
  readonly at: readonly string[]
  readonly taken: Taken
  readonly dtype: StoredDtype
  readonly batchSize: number
  readonly number: number
  readonly rows: number
  readonly next: Mark
  readonly pieces: readonly SentPiece[]
  /** For an edited model: what to run for batches of each size, edits and reads as one graph, without the inputs. */
  readonly graphs?: Readonly<Record<string, InterventionGraph>>
}

/** A piece as data. */
export interface SentPiece extends Pick<Piece, 'document' | 'start' | 'next'> {
  readonly ids?: readonly number[]
  readonly inputs?: Readonly<Record<string, EncodedData>>
}

export function sentPiece({ document, start, next, ids, inputs }: Piece): SentPiece {
  if (ids) return { document, start, next, ids }
  const encoded = Object.entries(inputs!).map(([name, data]) => [name, encodeData(data)] as const)
  return { document, start, next, inputs: Object.fromEntries(encoded) }
}

function receivedPiece({ document, start, next, ids, inputs }: SentPiece): Piece {
  if (ids) return { document, start, next, ids }
  const decoded = Object.entries(inputs ?? {}).map(([name, data]) => [name, decodeData(data, name)] as const)
  return { document, start, next, inputs: Object.fromEntries(decoded) }
}

/** The size of a batch, by which its graph is found. */
export const graphKey = (reads: Reads, batch: readonly Piece[]): string =>
  `${reads.fixedRows ?? batch.length} ${batch[0].ids?.length ?? JSON.stringify(Object.values(batch[0].inputs!).map(({ dims }) => dims))}`

/** Runs the job of a shard. If the shard is stored already, nothing is left to do. */
export async function runShardJob(
  job: ShardJob,
  using: UsingModel<Model>,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const store = await openStore(job.out)
  const there = await readInfo(store, job.number, job.format).catch(() => undefined)
  if (there?.harvest === job.harvest) return { rows: there.rows, bytes: 0 }
  return using(job.model, model => storeShard(job, model, store))
}

async function storeShard(
  job: ShardJob,
  model: Model,
  store: Store,
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const reads = new Reads(model, placesOf(model, job.at), job.taken, job.dtype)
  const plan: ShardPlan = { number: job.number, rows: job.rows, next: job.next, pieces: job.pieces.map(receivedPiece) }
  for (const piece of plan.pieces) await reads.prepare(piece)
  const run = (batch: readonly Piece[]) => (job.graphs ? runGraphs(job, reads, batch) : runBatch(reads, batch))
  const { rows, statistics } = await runShard(reads, plan, { batchSize: job.batchSize, run })
  const parts = await shardParts(job.format, rows, infoOf(job.harvest, plan, statistics))
  await store.put(shardName(job.number, job.format), parts)
  return { rows: job.rows, bytes: parts.reduce((sum, part) => sum + part.length, 0) }
}

/** Runs the graph for batches of this size on a batch. */
async function runGraphs({ graphs }: ShardJob, reads: Reads, batch: readonly Piece[]): Promise<readonly Tensor[]> {
  const graph = graphs![graphKey(reads, batch)]
  if (!graph) throw new HarvestError('A job lacks the graph for a batch.', 'put it into the queue again')
  const inputs = asTraceable(reads.model, 'harvest').prepare(reads.inputs(filled(reads, batch)))
  const encoded = Object.fromEntries([...inputs].map(([name, data]) => [name, encodeData(data)]))
  const result = (await reads.model.runGraph({ ...graph, inputs: encoded })) as unknown[]
  if (Array.isArray(result) && result.every(one => one instanceof Tensor)) return result as Tensor[]
  throw new HarvestError('The graph of a job gives no list of tensors.', 'put it into the queue again')
}
