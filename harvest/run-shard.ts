import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import { freeMade } from '../runtime/tensor/dtypes/made-by-run.ts'
import { stateOf, type Tensor } from '../runtime/tensor/tensor.ts'
import type { Piece } from './documents.ts'
import { batchesOf, batchSizeOf, type ShardPlan } from './plan.ts'
import type { Reads } from './reads.ts'
import { bfloat16Bits } from './shards/float.ts'
import type { PlaceRows, ShardRows } from './shards/shard.ts'
import { ShardMemory } from './shards/shard-memory.ts'
import { type PlaceStatistics, statisticsOf } from './shards/statistics.ts'

/** How the pieces of a shard run. */
export interface RunOptions {
  /** The most tokens of a batch, or documents of a model without tokens. */
  readonly batchSize: number
  /** Runs a batch and gives the rows of all places. */
  readonly run: (pieces: readonly Piece[]) => Promise<readonly Tensor[]>
  /** Called after each batch with the rows that are done. */
  readonly onRows?: (rows: number) => void
  /** Memory of an earlier shard that is stored. New memory costs more than what is written to it. */
  readonly memory?: ShardMemory | undefined
  readonly signal?: AbortSignal | undefined
}

/** The rows of a shard, in the order of its documents, and their statistics. Its batches depend on its pieces alone. */
export async function runShard(
  reads: Reads,
  { pieces, rows }: ShardPlan,
  { batchSize, run, onRows, memory = new ShardMemory(), signal }: RunOptions,
): Promise<{ readonly rows: ShardRows; readonly statistics: readonly PlaceStatistics[] }> {
  const [first] = pieces
  const layouts = await reads.prepare(first)
  const shapes = layouts.map(({ shape }) => shape)
  const sizes = shapes.map(sizeOf)
  const { document, position, token, places: stored } = memory.arrays(rows, sizes, reads.dtype)
  // bfloat16 is cut from float32 at the end.
  const buffers = reads.dtype === 'bfloat16' ? sizes.map(size => new Float32Array(rows * size)) : stored
  token.fill(-1)
  const starts = new Map<Piece, number>()
  let at = 0
  for (const piece of pieces) {
    starts.set(piece, at)
    for (const own of reads.positions(piece)) {
      document[at] = piece.document
      position[at] = own < 0 ? -1 : piece.start + own
      if (piece.ids && own >= 0) token[at] = piece.ids[own]
      at++
    }
  }
  let done = 0
  for (const batch of batchesOf(pieces, batchSizeOf(batchSize))) {
    signal?.throwIfAborted()
    const count = reads.positions(batch[0]).length
    if (count === 0) continue
    const values = await run(batch)
    const results = values.map(value => stateOf(value).data())
    for (const [place, { data }] of results.entries()) {
      const length = count * sizes[place]
      const numbers = data as Float32Array | Uint16Array
      for (const [i, piece] of batch.entries())
        buffers[place].set(numbers.subarray(i * length, (i + 1) * length), starts.get(piece)! * sizes[place])
    }
    freeMade(results)
    done += count * batch.length
    onRows?.(done)
  }
  if (reads.dtype === 'bfloat16')
    for (const [i, bits] of stored.entries()) bfloat16Bits(buffers[i] as Float32Array, bits as Uint16Array)
  const places = reads.places.map(
    ({ name }, i): PlaceRows => ({ name, dtype: reads.dtype, shape: shapes[i], data: stored[i] }),
  )
  const numbers = reads.places.map(({ name }, i) => ({ name, size: sizes[i], values: buffers[i] }))
  return { rows: { rows, document, position, token, places }, statistics: await statisticsOf(numbers, rows) }
}
