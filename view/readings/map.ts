import { toJson } from '../../cli/outputs/to-json.ts'
import { cat, type Tensor, where } from '../../runtime/index.ts'
import type { Cell, SentMap } from '../protocol/api.ts'
import { asFloats } from './statistics.ts'

/** Cells that a page shows at most: rows, columns. */
const MOST = [256, 512] as const

export interface MapHandles {
  readonly rows: number
  readonly columns: number
  readonly factors: readonly [number, number]
  readonly cells: Tensor
}

/** The last two axes, at one place of all others; an axis that is missing has one place. */
export function matrixOf(tensor: Tensor, leading: readonly number[]): Tensor {
  const dims = tensor.dims as readonly number[]
  if (dims.length < 2) return tensor.reshape(1, dims[0] ?? 1)
  return leading.reduce((rest, at) => rest.select(0, at), tensor)
}

/** The row of the batch to show, and the number of rows, if it is known. */
export interface BatchRow {
  readonly at: number
  readonly of: number | undefined
}

/** Sizes of the axes before the last two, and the requested indices, limited to the last index of each axis. */
export function leadingOf(
  { dims }: Tensor,
  asked: readonly number[] = [],
  batch: BatchRow,
): { size: number; at: number }[] {
  return (dims.slice(0, -2) as number[]).map((size, axis) => {
    const usual = axis === 0 && size === (batch.of ?? size) ? batch.at : 0
    return { size, at: Math.min(asked[axis] ?? usual, size - 1) }
  })
}

/** Shrinks a matrix until it can be shown: each cell has the value of the largest magnitude among those it joins. */
export function mapOf(matrix: Tensor): MapHandles {
  return coarse(matrix, MOST)
}

/** Shrinks each matrix in the last two axes to at most this many cells. */
export function coarse(matrices: Tensor, most: readonly [number, number]): MapHandles {
  const row = matrices.dims.length - 2
  const [rows, columns] = matrices.dims.slice(row) as number[]
  const factors = [Math.ceil(rows / most[0]), Math.ceil(columns / most[1])] as const
  const cells = coarser(coarser(asFloats(matrices), row + 1, factors[1]), row, factors[0])
  return { rows, columns, factors, cells }
}

function coarser(matrix: Tensor, axis: number, factor: number): Tensor {
  if (factor === 1) return matrix
  const size = matrix.dims[axis] as number
  const whole = Math.floor(size / factor)
  const parts = [largest(matrix.narrow(axis, 0, whole * factor).unflatten(axis, [whole, factor]), axis + 1)]
  const rest = size - whole * factor
  if (rest > 0) parts.push(largest(matrix.narrow(axis, whole * factor, rest).unsqueeze(axis), axis + 1))
  return parts.length > 1 ? cat(parts, axis) : parts[0]
}

/** The element of the largest magnitude, with its sign. */
function largest(tensor: Tensor, axis: number): Tensor {
  const [high, low] = [tensor.amax(axis), tensor.amin(axis)]
  return where(high.ge(low.neg()), high, low)
}

export function sentMap({ rows, columns, factors, cells }: MapHandles): SentMap {
  return { rows, columns, factors, cells: toJson(cells.tolist()) as Cell[][] }
}

/** One for each place of the first axis. */
export function sentMaps({ cells, ...rest }: MapHandles): SentMap[] {
  return (toJson(cells.tolist()) as Cell[][][]).map(one => ({ ...rest, cells: one }))
}
