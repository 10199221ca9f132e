import type { Attributes, Dim, Dims } from '../../../graph/expression.ts'
import { axesOf, axisOf } from '../../arguments/axis.ts'
import { dimsOf, recordOne, stateOf, type Tensor } from '../../tensor.ts'
import { int64Constant, int64Operand } from '../../values/int64.ts'

/** One dim, several, or all of them if left out. */
export type Dimensions = number | readonly number[]

/** The axis, counted from the front if the rank is known. @throws IndexError */
export function axisIn(tensor: Tensor, dim: number, operation: string): number {
  const { dims } = stateOf(tensor).value
  return dims ? axisOf(dim, dims.length, operation) : dim
}

/** The same from the back: how axes are recorded where older opsets know only the last one. */
export function axisFromBack(tensor: Tensor, dim: number, operation: string): number {
  const { dims } = stateOf(tensor).value
  return dims ? axisOf(dim, dims.length, operation) - dims.length : dim
}

/** The axes; undefined for all. */
export function axesIn(tensor: Tensor, dims: Dimensions | undefined, operation: string): number[] | undefined {
  if (dims === undefined) return undefined
  const list = typeof dims === 'number' ? [dims] : dims
  if (list.length === 0) return undefined
  const rank = dimsOf(tensor)?.length
  return rank === undefined ? [...list] : axesOf(list, rank, operation)
}

/** Dims after a reduction. */
export function reducedDims(
  dims: Dims | undefined,
  axes: readonly number[] | undefined,
  keepdim: boolean,
): Dims | undefined {
  if (!axes && !keepdim) return []
  if (!dims) return undefined
  const isReduced = (axis: number): boolean => !axes || axes.includes(axis)
  return keepdim ? dims.map((dim, axis) => (isReduced(axis) ? 1 : dim)) : dims.filter((_, axis) => !isReduced(axis))
}

/** The dims with another one at the axis. */
export function dimsWith(dims: Dims | undefined, axis: number, dim: Dim): Dims | undefined {
  return dims?.map((own, i) => (i === (axis < 0 ? axis + dims.length : axis) ? dim : own))
}

/** How long the axis is, as an int64 tensor of one element: a number if known, else read from the shape. */
export function extentOf(tensor: Tensor, axis: number): Tensor {
  const dim = dimsOf(tensor)?.at(axis)
  if (dim !== undefined) return int64Operand([dim])
  const start = { int: axis }
  const attributes: Attributes = axis === -1 ? { start } : { start, end: { int: axis + 1 } }
  return recordOne('Shape', [tensor], { type: 'int64', dims: [1] }, attributes)
}

/** One row. */
export function flatten(tensor: Tensor): Tensor {
  const { dims } = stateOf(tensor).value
  const size = dims?.includes(undefined) === false ? (dims as number[]).reduce((a, b) => a * b, 1) : undefined
  return recordOne('Reshape', [tensor, int64Constant([-1])], { type: tensor.type, dims: [size] })
}
