import { HarvestError } from '../../runtime/errors/harvest.ts'

/**
 * Which rows a document gives: `all` its tokens; some positions, from 0 or, if negative, from its end; the `mean` or the largest (`max`) over its
 * tokens; or its `whole` value as one row.
 */
export type Take = 'all' | 'first' | 'last' | 'mean' | 'max' | 'whole' | number | readonly number[]

/** A choice of rows, in its one form. */
export type Taken =
  | { readonly kind: 'all' | 'mean' | 'max' | 'whole' }
  | { readonly kind: 'positions'; readonly positions: readonly number[] }

/** @throws HarvestError for anything else */
export function takenOf(take: unknown): Taken {
  if (take === 'all' || take === 'mean' || take === 'max' || take === 'whole') return { kind: take }
  if (take === 'first') return { kind: 'positions', positions: [0] }
  if (take === 'last') return { kind: 'positions', positions: [-1] }
  const positions = typeof take === 'number' ? [take] : take
  if (Array.isArray(positions) && positions.length > 0 && positions.every(Number.isSafeInteger))
    return { kind: 'positions', positions: [...new Set(positions as number[])] }
  throw new HarvestError(
    `take is ${JSON.stringify(take)}.`,
    "give 'all', 'first', 'last', 'mean', 'max', 'whole', or positions: [0, -1]",
  )
}

/** The positions of a document that give a row, ascending; a pooled or whole row has the position -1. A short document lacks some. */
export function positionsOf(taken: Taken, length: number): readonly number[] {
  if (taken.kind === 'all') return Array.from({ length }, (_, i) => i)
  if (taken.kind !== 'positions') return [-1]
  const found = taken.positions.map(position => (position < 0 ? position + length : position))
  return [...new Set(found)].filter(position => position >= 0 && position < length).sort((a, b) => a - b)
}
