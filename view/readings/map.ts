import { toJson } from '../../cli/outputs/to-json.ts'
import { cat, type Tensor, where } from '../../runtime/index.ts'
import type { Cell, ModuleRequest, RowWindow, SentMap } from '../protocol/api.ts'
import { firstShown, MAX_POSITIONS } from '../protocol/bodies.ts'
import { unreadable } from '../server/refusal.ts'
import { asFloats } from './statistics.ts'

/** The largest map that the page shows: rows, columns. */
const MAX_CELLS = [256, 512] as const

/** A map whose cells are still to be computed. */
export interface MapHandles {
  readonly rows: number
  readonly columns: number
  readonly factors: readonly [number, number]
  readonly cells: Tensor
}

/** The axes of a tensor, as a map shows them. */
export interface Layout {
  readonly rows: number
  readonly columns: number
  /** The axes besides these. */
  readonly leading: readonly { readonly axis: number; readonly size: number; readonly at: number }[]
}

/** The row of the batch to show, and the number of rows, if it is known. */
export interface BatchRow {
  readonly at: number
  readonly of: number | undefined
}

/** Chooses the axes of rows and columns, and the indices on the others: the requested ones, or the last one if that is too large. */
export function layoutOf(
  { dims }: Tensor,
  { axes, leading: requested = [] }: Pick<ModuleRequest, 'axes' | 'leading'>,
  batch: BatchRow,
): Layout {
  const rank = dims.length
  const isKnown = axes !== undefined && axes[0] !== axes[1] && axes.every(axis => axis < rank)
  const [rows, columns] = isKnown ? axes : [rank - 2, rank - 1]
  const others = Array.from({ length: rank }, (_, axis) => axis).filter(axis => axis !== rows && axis !== columns)
  const leading =
    rank < 2
      ? []
      : others.map((axis, i) => {
          const size = dims[axis] as number
          const defaultIndex = axis === 0 && size === (batch.of ?? size) ? batch.at : 0
          return { axis, size, at: Math.min(requested[i] ?? defaultIndex, size - 1) }
        })
  return { rows, columns, leading }
}

/** A value with more numbers than this is read only in part, because its statistics would take seconds. */
const MANY_NUMBERS = 2 ** 23

/** Which rows of a value are read; undefined if all are. The logits of a long text have tens of millions of numbers. */
export function windowOf(
  { dims, size }: Tensor,
  { axes, rowsFrom, isWhole = false }: Pick<ModuleRequest, 'axes' | 'rowsFrom' | 'isWhole'>,
): RowWindow | undefined {
  if (isWhole || axes !== undefined || dims.length < 2 || size <= MANY_NUMBERS) return undefined
  const of = dims.at(-2) as number
  const from = firstShown(rowsFrom ?? of - 1)
  if (from >= of) throw unreadable(`There is no row ${from}: there are ${of}.`, 'choose another row')
  return of <= MAX_POSITIONS ? undefined : { from, count: Math.min(MAX_POSITIONS, of - from), of }
}

/** The matrix of rows and columns, at one index of each other axis. A tensor of rank 0 or 1 becomes a matrix of one row. */
export function matrixOf(tensor: Tensor, { rows, columns, leading }: Layout): Tensor {
  const dims = tensor.dims as readonly number[]
  if (dims.length < 2) return tensor.reshape(1, dims[0] ?? 1)
  // The last axes go first, so that those before them keep their places.
  const matrix = leading.toReversed().reduce((rest, { axis, at }) => rest.select(axis, at), tensor)
  return rows < columns ? matrix : matrix.permute(1, 0)
}

/** The most small maps that are shown at once. */
export const MAX_FACETS = 64

/** A small map for each index of an axis, at one index of each other axis. */
export function facetsOf(tensor: Tensor, { rows, columns, leading }: Layout, axis: number): MapHandles | undefined {
  if (!leading.some(one => one.axis === axis)) return undefined
  const others = leading.filter(one => one.axis !== axis)
  const rest = others.toReversed().reduce((inner, one) => inner.select(one.axis, one.at), tensor)
  const left = [axis, rows, columns].toSorted((a, b) => a - b)
  const maps = rest.permute(...[axis, rows, columns].map(one => left.indexOf(one)))
  return headMapsOf(maps.narrow(0, 0, Math.min(MAX_FACETS, maps.dims[0] as number)))
}

/** Shrinks a matrix until it can be shown: each cell has the value of the largest magnitude among those it joins. */
export function mapOf(matrix: Tensor): MapHandles {
  return coarse(matrix, MAX_CELLS)
}

/** How many heads are shown at once as small maps. */
export const MAX_HEADS = 256
/** The largest size of a head's small map: rows, columns. */
const MAX_HEAD_CELLS = [32, 32] as const

/** Shrinks the pattern of each head until all can be shown at once. */
export function headMapsOf(patterns: Tensor): MapHandles {
  return coarse(patterns, MAX_HEAD_CELLS)
}

/** The same for weights that no edit has made negative: their largest element is that of the largest magnitude, which takes half of the time. */
export function weightMapsOf(patterns: Tensor): MapHandles {
  return coarse(patterns, MAX_HEAD_CELLS, (tensor, axis) => tensor.amax(axis))
}

/** Shrinks a matrix to the size of a head's small map. */
export const glanceOf = headMapsOf

/** Reduces an axis to one element. */
type Reduction = (tensor: Tensor, axis: number) => Tensor

/** Shrinks each matrix in the last two axes to at most this many cells. */
function coarse(matrices: Tensor, max: readonly [number, number], reduce: Reduction = largest): MapHandles {
  const row = matrices.dims.length - 2
  const [rows, columns] = matrices.dims.slice(row) as number[]
  const factors = [Math.ceil(rows / max[0]), Math.ceil(columns / max[1])] as const
  // Rows go first: elements that lie beside each other are then reduced together, many at a time.
  const cells = shrink(shrink(asFloats(matrices), row, factors[0], reduce), row + 1, factors[1], reduce)
  return { rows, columns, factors, cells }
}

function shrink(matrix: Tensor, axis: number, factor: number, reduce: Reduction): Tensor {
  if (factor === 1) return matrix
  const size = matrix.dims[axis] as number
  const fullCells = Math.floor(size / factor)
  const parts = [reduce(matrix.narrow(axis, 0, fullCells * factor).unflatten(axis, [fullCells, factor]), axis + 1)]
  const rest = size - fullCells * factor
  if (rest > 0) parts.push(reduce(matrix.narrow(axis, fullCells * factor, rest).unsqueeze(axis), axis + 1))
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

/** A map for each index of the first axis. */
export function sentMaps({ cells, ...rest }: MapHandles): SentMap[] {
  return (toJson(cells.tolist()) as Cell[][][]).map(one => ({ ...rest, cells: one }))
}
