import type { Mark, Piece } from './documents.ts'

/** The pieces whose rows make one shard. */
export interface ShardPlan {
  readonly number: number
  readonly pieces: readonly Piece[]
  readonly rows: number
  /** Where the next shard begins. */
  readonly next: Mark
  /** The part of the source that has been read before this shard and after it, from 0 to 1; undefined for a source of unknown length. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/**
 * Cuts pieces into shards, each with at least `shardRows` rows but the last. The cut depends on the pieces alone, so that a harvest that goes on
 * makes the shards that it would have made.
 */
export async function* plansOf(
  pieces: AsyncIterable<Piece>,
  rowsOf: (piece: Piece) => Promise<number>,
  shardRows: number,
  first: number,
): AsyncGenerator<ShardPlan> {
  let number = first
  let held: Piece[] = []
  let rows = 0
  let from = first === 0 ? 0 : undefined
  for await (const piece of pieces) {
    from ??= piece.read
    held.push(piece)
    rows += await rowsOf(piece)
    if (rows < shardRows) continue
    yield { number: number++, pieces: held, rows, next: piece.next, from, to: piece.read }
    held = []
    rows = 0
    from = piece.read
  }
  if (rows > 0) yield { number, pieces: held, rows, next: held.at(-1)!.next, from, to: held.at(-1)!.read }
}

/** Pieces that run together: all of one size, so that nothing is padded and each row is what it is alone. */
export function batchesOf(pieces: readonly Piece[], most: (piece: Piece) => number): Piece[][] {
  const bySize = new Map<string, Piece[]>()
  for (const piece of pieces) {
    const size = sizeKey(piece)
    const same = bySize.get(size)
    if (same) same.push(piece)
    else bySize.set(size, [piece])
  }
  return [...bySize.values()].flatMap(same => {
    const count = Math.max(1, most(same[0]))
    return Array.from({ length: Math.ceil(same.length / count) }, (_, i) => same.slice(i * count, (i + 1) * count))
  })
}

/** How many pieces like one make a batch of so many tokens; of a model without tokens, a batch of so many pieces. */
export const batchSizeOf =
  (batchSize: number) =>
  (piece: Piece): number =>
    Math.floor(batchSize / (piece.ids?.length ?? 1))

/** What pieces of one size have in common: the number of tokens, or the dtypes and dims of the inputs. */
export const sizeKey = ({ ids, inputs }: Piece): string =>
  ids ? String(ids.length) : JSON.stringify(Object.entries(inputs!).map(([name, { type, dims }]) => [name, type, dims]))
