import { cat } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { Arrangement } from './arrangement.ts'

/** On one axis: where the elements that both models compute begin in the value of A and in that of B, and how many there are. */
interface Shared {
  readonly axis: number
  readonly length: number
  readonly a: { readonly start: number; readonly size: number }
  readonly b: { readonly start: number; readonly size: number }
}

/** The elements of a value that both models compute, if B gets its inputs in another arrangement. */
export type Part = readonly Shared[]

/**
 * The part that two values of these dims share. It is empty, which means all of the value, if their dims are the same; undefined if the dims
 * don't follow from the arrangement.
 */
export function partOf(a: readonly number[], b: readonly number[], arrangement: Arrangement): Part | undefined {
  if (a.length !== b.length) return undefined
  const part: Shared[] = []
  for (const [axis, size] of a.entries()) {
    const other = b[axis]
    if (size === other) continue
    const shared = sharedOf(size, other, arrangement)
    if (!shared) return undefined
    part.push({ axis, length: shared.length, a: { start: shared.a, size }, b: { start: shared.b, size: other } })
  }
  return part
}

/** B's row 0 is that of A, with padding before or after it, or without the tokens that are in a cache. */
function sharedOf(
  a: number,
  b: number,
  { rows, padding, side, past }: Arrangement,
): { readonly a: number; readonly b: number; readonly length: number } | undefined {
  if (past > 0 && a === b + past) return { a: past, b: 0, length: b }
  const before = side === 'left' ? padding : 0
  if (padding > 0 && b % (a + padding) === 0 && [1, rows].includes(b / (a + padding)))
    return { a: 0, b: before, length: a }
  if (rows > 1 && b === a * rows) return { a: 0, b: 0, length: a }
  return undefined
}

/** The elements of A's value that B computes too. */
export const takenFromA = (value: Tensor, part: Part): Tensor =>
  part.reduce((rest, { axis, length, a }) => rest.narrow(axis, a.start, length), value)

/** The elements of B's value that A computes too. */
export const takenFromB = (value: Tensor, part: Part): Tensor =>
  part.reduce((rest, { axis, length, b }) => rest.narrow(axis, b.start, length), value)

/** A's value with these elements in the place of those that B computes too. */
export const putIntoA = (whole: () => Tensor, part: Part, written: Tensor): Tensor =>
  put(whole, part, written, ({ a }) => a)

/** B's value with these elements in the place of those that A computes too. */
export const putIntoB = (whole: () => Tensor, part: Part, written: Tensor): Tensor =>
  put(whole, part, written, ({ b }) => b)

function put(
  whole: () => Tensor,
  [first, ...rest]: Part,
  written: Tensor,
  placeOf: (shared: Shared) => Shared['a'],
): Tensor {
  if (!first) return written
  const { axis, length } = first
  const { start, size } = placeOf(first)
  const value = whole()
  const end = start + length
  return cat(
    [
      ...(start > 0 ? [value.narrow(axis, 0, start)] : []),
      put(() => value.narrow(axis, start, length), rest, written, placeOf),
      ...(end < size ? [value.narrow(axis, end, size - end)] : []),
    ],
    axis,
  )
}
