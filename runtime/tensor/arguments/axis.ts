import { ArgumentError, IndexError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'

/** Returns the axis that `dim` means, counted from the front; −1 is the last axis. @throws IndexError if there is no such axis */
export function axisOf(dim: number, rank: number, operation: string): number {
  if (!Number.isInteger(dim))
    throw new ArgumentError(
      dim === undefined ? `${operation} needs a dim.` : `${operation}: dim ${dim} is not an integer.`,
      currentPosition(),
      dim === undefined ? `write h.${operation}(-1) for the last dim` : undefined,
    )
  if (dim < -rank || dim >= rank) {
    const range = rank === 0 ? 'a tensor of rank 0 has none' : `a tensor of rank ${rank} has ${-rank} to ${rank - 1}`
    throw new IndexError(`${operation}: there is no dim ${dim}: ${range}`, currentPosition())
  }
  return dim < 0 ? dim + rank : dim
}

/** Returns the axes that `dims` mean, counted from the front. @throws IndexError if there is no such axis, or if one is named twice */
export function axesOf(dims: readonly number[], rank: number, operation: string): number[] {
  if (!Array.isArray(dims))
    throw new ArgumentError(
      `${operation}: dims are a number or a list of numbers, not ${String(dims)}.`,
      currentPosition(),
    )
  const axes = dims.map(dim => axisOf(dim, rank, operation))
  if (new Set(axes).size !== axes.length)
    throw new ArgumentError(`${operation}: [${dims.join(', ')}] names a dim twice.`, currentPosition())
  return axes
}
