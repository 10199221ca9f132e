import type { Attributes, Dim, Dims } from '../../../graph/expression.ts'
import { axesOf, axisOf } from '../../arguments/axis.ts'
import { dimsOf, recordOne, stateOf, type Tensor } from '../../tensor.ts'
import { int64Constant, int64Operand } from '../../values/int64.ts'

/** One dim or several; all of them if left out. */
export type Dimensions = number | readonly number[]

/** Returns the axis, counted from the front if the rank is known. @throws IndexError */
export function axisIn(tensor: Tensor, dim: number, operation: string): number {
  const { dims } = stateOf(tensor).value
  return dims ? axisOf(dim, dims.length, operation) : dim
}

/** Returns the axis, counted from the back: older opsets have some operations for the last axis only. */
export function axisFromBack(tensor: Tensor, dim: number, operation: string): number {
  const { dims } = stateOf(tensor).value
  return dims ? axisOf(dim, dims.length, operation) - dims.length : dim
}

/** Returns the axes; undefined means all. @throws IndexError */
export function axesIn(tensor: Tensor, dims: Dimensions | undefined, operation: string): number[] | undefined {
  if (dims === undefined) return undefined
  const list = typeof dims === 'number' ? [dims] : dims
  if (list.length === 0) return undefined
  const rank = dimsOf(tensor)?.length
  return rank === undefined ? [...list] : axesOf(list, rank, operation)
}

/** Returns the dims after a reduction. */
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

/** Returns the dims with another dim at the axis. */
export function dimsWith(dims: Dims | undefined, axis: number, dim: Dim): Dims | undefined {
  return dims?.map((own, i) => (i === (axis < 0 ? axis + dims.length : axis) ? dim : own))
}

/** Returns the length of an axis as an int64 tensor of one element, which is read from the shape if it is not known. */
export function extentOf(tensor: Tensor, axis: number): Tensor {
  const dim = dimsOf(tensor)?.at(axis)
  if (dim !== undefined) return int64Operand([dim])
  const start = { int: axis }
  const attributes: Attributes = axis === -1 ? { start } : { start, end: { int: axis + 1 } }
  return recordOne('Shape', [tensor], { type: 'int64', dims: [1] }, attributes)
}

/** Flattens the tensor to rank 1. */
export function flatten(tensor: Tensor): Tensor {
  const { dims } = stateOf(tensor).value
  const size = dims?.includes(undefined) === false ? (dims as number[]).reduce((a, b) => a * b, 1) : undefined
  return recordOne('Reshape', [tensor, int64Constant([-1])], { type: tensor.type, dims: [size] })
}
