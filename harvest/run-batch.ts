import type { InterventionGraph } from '../runtime/model/intervention.ts'
import type { Model } from '../runtime/model/model.ts'
import type { Tensor } from '../runtime/tensor/tensor.ts'
import { currentTrace } from '../runtime/tracing/current-trace.ts'
import type { Piece } from './documents.ts'
import type { ShardPlan } from './plan.ts'
import type { Reads } from './reads.ts'
import type { ShardInfo } from './shards/shard.ts'

/** The pieces of a batch; a model of fixed rows is filled up with the last one. */
export function filled(reads: Reads, batch: readonly Piece[]): readonly Piece[] {
  const fixed = reads.fixedRows ?? batch.length
  return [...batch, ...new Array<Piece>(Math.max(0, fixed - batch.length)).fill(batch.at(-1)!)]
}

/** Runs a batch of pieces of one size, and gives the rows of all places. */
export async function runBatch(
  reads: Reads,
  batch: readonly Piece[],
  signal?: AbortSignal,
): Promise<readonly Tensor[]> {
  const { inputs, read } = await blockOf(reads, batch)
  return reads.model.trace(inputs, signal ? { signal } : {}, read)
}

/** The run of a batch as a graph, without its inputs. */
export async function recordBatch(reads: Reads, batch: readonly Piece[]): Promise<InterventionGraph> {
  const { inputs, read } = await blockOf(reads, batch)
  return { ...(await reads.model.record(inputs, read)), inputs: {} }
}

async function blockOf(reads: Reads, batch: readonly Piece[]) {
  const pieces = filled(reads, batch)
  const layouts = await reads.prepare(batch[0])
  const size = { rows: pieces.length, tokens: reads.length(batch[0]) }
  const read = (model: Model): Tensor[] => {
    // Each document comes once, so no value of its run is of use for another.
    const trace = currentTrace()
    if (trace) trace.keepsNothing = true
    return reads.rows(model, layouts, size)
  }
  return { inputs: reads.inputs(pieces), read }
}

export function infoOf(harvest: string, plan: ShardPlan, statistics: ShardInfo['statistics']): ShardInfo {
  const { number, rows, next, pieces } = plan
  return {
    version: 1,
    harvest,
    number,
    rows,
    documents: pieces.filter(({ start }) => start === 0).length,
    next,
    statistics,
  }
}
