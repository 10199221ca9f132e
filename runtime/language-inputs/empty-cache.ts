import type { DeclaredInput } from '../errors/input.ts'
import { zeros } from '../tensor/creation/creation.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** What exporters call the tokens' axis: `past_sequence_length`, `past_decoder_sequence_length + 1`. */
const TOKENS = /past|seq|len|total/i

/** The axis of a cache with the rows: the first, or behind the two of keys and values that lie in one, as for com.microsoft's Attention. */
function rowsAxis(dims: NonNullable<DeclaredInput['dims']>): number {
  const named = dims.findIndex(dim => typeof dim === 'string' && /batch/i.test(dim))
  if (named >= 0) return named
  return dims.length === 5 && dims[0] === 2 ? 1 : 0
}

/** The axis of a cache of keys or values that grows with the tokens: the open one that is called so, or the last open one; the rows apart. */
export function growingAxis(dims: DeclaredInput['dims']): number | undefined {
  if (!dims) return undefined
  const rows = rowsAxis(dims)
  const open = dims.flatMap((dim, axis) => (typeof dim === 'number' || axis === rows ? [] : [axis]))
  return open.findLast(axis => TOKENS.test(String(dims[axis] ?? ''))) ?? open.at(-1)
}

/**
 * The declared dims of a cache that goes in, with those that its file leaves open and that are known of the cache that comes out: the
 * size of a head, say.
 */
export function refinedDims(
  dims: DeclaredInput['dims'],
  present: readonly (number | undefined)[] | undefined,
): DeclaredInput['dims'] {
  const growing = growingAxis(dims)
  if (!dims || present?.length !== dims.length) return dims
  const own = rowsAxis(dims)
  return dims.map((dim, axis) => (axis === own || axis === growing ? dim : (present[axis] ?? dim)))
}

/** Keys and values of no tokens. Undefined where more than the rows and the tokens is open. */
export function emptyCache({ dims, type }: DeclaredInput, rows: number): Tensor | undefined {
  if (!dims) return undefined
  const [growing, own] = [growingAxis(dims), rowsAxis(dims)]
  const filled = dims.map((dim, axis) =>
    typeof dim === 'number' ? dim : axis === growing ? 0 : axis === own ? rows : -1,
  )
  return !filled.includes(-1) ? zeros(filled, { type: type as HeldType }) : undefined
}
