import { resolve } from 'node:path'
import { follow } from '../queue/follow.ts'
import type { Job } from '../queue/jobs.ts'
import { JobQueue } from '../queue/queue.ts'
import { QueueError } from '../runtime/errors/queue.ts'
import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { Begun } from './begin.ts'
import type { HarvestOptions } from './options.ts'
import { takenOf } from './places/take.ts'
import { batchesOf, batchSizeOf, type ShardPlan } from './plan.ts'
import type { Counter } from './progress.ts'
import { graphKey, type ShardJob, sentPiece } from './queued-shard.ts'
import { recordBatch } from './run-batch.ts'
import { readInfo } from './shards/read.ts'
import type { ShardInfo } from './shards/shard.ts'

/**
 * Lets workers make the shards that are not there. A job that the queue lost is put in again, and a shard counts once it is stored, so it does not
 * matter which worker makes it, and how often. @throws QueueError for jobs that failed as often as they may
 */
export async function queuedHarvest(
  begun: Begun,
  options: HarvestOptions,
  infos: Map<number, ShardInfo>,
  counter: Counter,
): Promise<void> {
  const { store, index } = begun
  const queue = await JobQueue.open(options.queue!)
  const dead: string[] = []
  try {
    const plans = new Map<string, ShardPlan>()
    for await (const { job, end } of follow(queue, jobsOf(begun, options, infos, counter, plans), {
      signal: options.signal,
      priority: options.priority,
      attempts: options.attempts,
    })) {
      const plan = plans.get(job.id)!
      const info = await readInfo(store, plan.number, index.format)
      if (info) {
        infos.set(plan.number, info)
        counter.begins(plan)
        counter.computed(plan.rows)
        counter.stored(end.state === 'done' ? (end.value as { bytes: number }).bytes : 0)
      } else if (end.state === 'dead') dead.push(`shard ${plan.number}: ${end.reason}`)
      plans.delete(job.id)
    }
  } finally {
    await queue.close()
  }
  if (dead.length > 0)
    throw new QueueError(
      `${dead.length} shards could not be made; the first is ${dead[0]}`,
      'see them with onnsight queue status, put them back with onnsight queue retry, and harvest again',
    )
}

async function* jobsOf(
  { reads, index, plans, batchSize }: Begun,
  options: HarvestOptions,
  infos: ReadonlyMap<number, ShardInfo>,
  counter: Counter,
  known: Map<string, ShardPlan>,
): AsyncGenerator<Job<ShardJob>> {
  const target = asTraceable(reads.model, 'harvest')
  const { path } = (target.identity as LoadedModel).source
  const graphs = new Map<string, InterventionGraph>()
  for await (const plan of plans) {
    if (infos.has(plan.number)) {
      counter.skips(plan)
      continue
    }
    const used: Record<string, InterventionGraph> = {}
    if (target.edits.length > 0)
      for (const batch of batchesOf(plan.pieces, batchSizeOf(batchSize))) {
        const key = graphKey(reads, batch)
        const graph = graphs.get(key) ?? (await recordBatch(reads, batch))
        graphs.set(key, graph)
        used[key] = graph
      }
    const id = `${index.harvest.slice(0, 16)}-${plan.number}`
    known.set(id, plan)
    yield {
      id,
      kind: 'shard',
      data: {
        model: { sha256: String(index.made.model), source: path },
        out: options.out.includes('://') ? options.out : resolve(options.out),
        format: index.format,
        harvest: index.harvest,
        at: reads.places.map(({ name }) => name),
        taken: takenOf(reads.taken.kind === 'positions' ? reads.taken.positions : reads.taken.kind),
        dtype: reads.dtype,
        batchSize,
        number: plan.number,
        rows: plan.rows,
        next: plan.next,
        pieces: plan.pieces.map(sentPiece),
        ...(target.edits.length > 0 ? { graphs: used } : {}),
      },
    }
  }
}
