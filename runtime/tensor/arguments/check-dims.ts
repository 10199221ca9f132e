import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'

/** Checks that `dims` is a list of lengths. @throws ArgumentError if it is not */
export function checkDims(dims: readonly number[], operation: string): void {
  if (!Array.isArray(dims))
    throw new ArgumentError(`${operation}: ${String(dims)} is not a list of dims.`, currentPosition())
  if (!dims.every(dim => Number.isSafeInteger(dim) && dim >= 0))
    throw new ArgumentError(`${operation}: [${dims.join(', ')}] are no dims.`, currentPosition())
}
