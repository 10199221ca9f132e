import { zeros } from '../tensor/creation.ts'
import type { HeldType } from '../tensor/dtype.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { DeclaredDims } from './batch.ts'

/** The axis of a cache of keys or values that grows with the tokens: the last of those that are open, the rows apart. */
export function growingAxis(dims: DeclaredDims['dims']): number | undefined {
  return dims
    ?.map((dim, axis) => (typeof dim === 'number' || axis === 0 ? undefined : axis))
    .findLast(axis => axis !== undefined)
}

/** Keys and values of no tokens. Undefined where more than the rows and the tokens is open. */
export function emptyCache({ dims, type }: DeclaredDims, rows: number): Tensor | undefined {
  const growing = growingAxis(dims)
  const filled = dims?.map((dim, axis) =>
    typeof dim === 'number' ? dim : axis === growing ? 0 : axis === 0 ? rows : -1,
  )
  return filled && !filled.includes(-1) ? zeros(filled, { type: type as HeldType }) : undefined
}
