import { createHash } from 'node:crypto'
import { ScannedError } from '../runtime/errors/trace.ts'
import type { Model } from '../runtime/model/model.ts'
import { sizeOf, type TensorData } from '../runtime/tensor/dtypes/data.ts'
import { allocate, type HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import type { Piece } from './documents.ts'
import type { Reads } from './reads.ts'

/** The dims of a harvest's first piece, on which its edits are recorded to be told apart. */
export type Sample =
  | { readonly tokens: number }
  | { readonly inputs: Readonly<Record<string, { readonly type: HeldType; readonly dims: readonly number[] }>> }

export function sampleOf({ ids, inputs }: Piece): Sample {
  if (ids) return { tokens: ids.length }
  return {
    inputs: Object.fromEntries(Object.entries(inputs!).map(([name, { type, dims }]) => [name, { type, dims }])),
  }
}

/** A hash of what the model's edits do to inputs of these dims; null if they can't be recorded, because they ask for values. */
export async function editsHash(model: Model, reads: Reads, sample: Sample): Promise<string | null> {
  const piece = pieceOf(sample)
  await reads.prepare(piece)
  try {
    const graph = await model.record(reads.inputs(new Array<Piece>(reads.fixedRows ?? 1).fill(piece)), traced =>
      reads.places.map(place => place.read(traced)),
    )
    const { nodes, writes } = graph
    // Where an edit is written does not matter.
    const text = JSON.stringify({ nodes, writes }, (key, value: unknown) => (key === 'at' ? undefined : value))
    return createHash('sha256').update(text).digest('hex')
  } catch (error) {
    if (error instanceof ScannedError) return null
    throw error
  }
}

function pieceOf(sample: Sample): Piece {
  const next = { document: 1, token: 0 }
  if ('tokens' in sample) return { document: 0, start: 0, next, ids: new Array<number>(sample.tokens).fill(0) }
  const inputs = Object.entries(sample.inputs).map(
    ([name, { type, dims }]) => [name, { type, dims, data: allocate(type, sizeOf(dims)) } as TensorData] as const,
  )
  return { document: 0, start: 0, next, inputs: Object.fromEntries(inputs) }
}
