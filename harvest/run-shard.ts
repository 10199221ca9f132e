import { sizeOf } from '../runtime/tensor/dtypes/data.ts'
import type { TensorArray } from '../runtime/tensor/dtypes/dtype.ts'
import { stateOf, type Tensor } from '../runtime/tensor/tensor.ts'
import type { Piece } from './documents.ts'
import { batchesOf, batchSizeOf, type ShardPlan } from './plan.ts'
import type { Reads } from './reads.ts'
import { bfloat16Bits } from './shards/float.ts'
import type { PlaceRows, ShardRows } from './shards/shard.ts'
import { type PlaceStatistics, statisticsOf } from './shards/statistics.ts'

/** How the pieces of a shard run. */
export interface RunOptions {
  /** The most tokens of a batch, or documents of a model without tokens. */
  readonly batchSize: number
  /** Runs a batch and gives the rows of all places. */
  readonly run: (pieces: readonly Piece[]) => Promise<readonly Tensor[]>
  /** Called after each batch with the rows that are done. */
  readonly onRows?: (rows: number) => void
  readonly signal?: AbortSignal | undefined
}

/** The rows of a shard, in the order of its documents, and their statistics. Its batches depend on its pieces alone. */
export async function runShard(
  reads: Reads,
  { pieces, rows }: ShardPlan,
  { batchSize, run, onRows, signal }: RunOptions,
): Promise<{ readonly rows: ShardRows; readonly statistics: readonly PlaceStatistics[] }> {
  const [first] = pieces
  const layouts = await reads.prepare(first)
  const shapes = layouts.map(({ shape }) => shape)
  const isHalf = reads.dtype === 'float16'
  const buffers = shapes.map(shape =>
    isHalf ? new Uint16Array(rows * sizeOf(shape)) : new Float32Array(rows * sizeOf(shape)),
  )
  const [document, position, token] = [new Int32Array(rows), new Int32Array(rows), new Int32Array(rows).fill(-1)]
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
    values.forEach((value, place) => {
      const { data } = stateOf(value).data() as { data: Exclude<TensorArray, string[]> }
      const length = count * sizeOf(shapes[place])
      const buffer = buffers[place]
      batch.forEach((piece, i) => {
        const from = (data as Float32Array).subarray(i * length, (i + 1) * length)
        buffer.set(from, starts.get(piece)! * sizeOf(shapes[place]))
      })
    })
    done += count * batch.length
    onRows?.(done)
  }
  const statistics: PlaceStatistics[] = []
  const places: PlaceRows[] = []
  for (const [i, { name }] of reads.places.entries()) {
    const buffer = buffers[i]
    if (rows > 0) statistics.push(await statisticsOf(name, buffer, rows))
    const data = reads.dtype === 'bfloat16' ? bfloat16Bits(buffer as Float32Array) : buffer
    places.push({ name, dtype: reads.dtype, shape: shapes[i], data })
  }
  return { rows: { rows, document, position, token, places }, statistics }
}
