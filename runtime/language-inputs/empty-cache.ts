import type { DeclaredInput } from '../errors/input.ts'
import { zeros } from '../tensor/creation/creation.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** Names that exporters give to the axis of tokens: `past_sequence_length`, `past_decoder_sequence_length + 1`. */
const TOKEN_AXIS = /past|seq|len|total/i

/** The batch axis of a cache: the first, or the second if keys and values are in one tensor, as for com.microsoft's Attention. */
export function batchAxisOf(dims: NonNullable<DeclaredInput['dims']>): number {
  const named = dims.findIndex(dim => typeof dim === 'string' && /batch/i.test(dim))
  if (named >= 0) return named
  return dims.length === 5 && dims[0] === 2 ? 1 : 0
}

/** The axis of a cache that grows with the tokens: an open one with such a name, or else the last open one. It is not the batch axis. */
export function growingAxis(dims: DeclaredInput['dims']): number | undefined {
  if (!dims) return undefined
  const rows = batchAxisOf(dims)
  const open = dims.flatMap((dim, axis) => (typeof dim === 'number' || axis === rows ? [] : [axis]))
  return open.findLast(axis => TOKEN_AXIS.test(String(dims[axis] ?? ''))) ?? open.at(-1)
}

/**
 * The declared dims of a past cache. Dims that the file leaves open, such as the size of a head, are taken from the present cache if they
 * are known there.
 */
export function refinedDims(
  dims: DeclaredInput['dims'],
  present: readonly (number | undefined)[] | undefined,
): DeclaredInput['dims'] {
  const growing = growingAxis(dims)
  if (!dims || present?.length !== dims.length) return dims
  const batchAxis = batchAxisOf(dims)
  return dims.map((dim, axis) => (axis === batchAxis || axis === growing ? dim : (present[axis] ?? dim)))
}

/** A cache of no tokens; undefined if dims other than those of rows and tokens are open. */
export function emptyCache({ dims, type }: DeclaredInput, rows: number): Tensor | undefined {
  if (!dims) return undefined
  const [growing, own] = [growingAxis(dims), batchAxisOf(dims)]
  const filled = dims.map((dim, axis) =>
    typeof dim === 'number' ? dim : axis === growing ? 0 : axis === own ? rows : -1,
  )
  return !filled.includes(-1) ? zeros(filled, { type: type as HeldType }) : undefined
}
