import type { Attributes, Dim, Dims } from '../../../graph/expression.ts'
import { recordOne, type Tensor } from '../../tensor.ts'
import { int64Constant } from '../../values/int64.ts'
import { extentOf } from './extent.ts'

/** One number of a shape, or an axis of a tensor whose length stands in for an unknown number. */
export type Extent = number | { readonly of: Tensor; readonly axis: number }

/** Returns the length of an axis, as a number if it is known. */
export function extent(tensor: Tensor, axis: number): Extent {
  return tensor.dims[axis] ?? { of: tensor, axis }
}

export function extents(tensor: Tensor): Extent[] {
  return tensor.dims.map((_, axis) => extent(tensor, axis))
}

/** Returns a shape as a tensor: a constant, or computed by the run where a length is not known. */
export function shapeTensor(shape: readonly Extent[]): Tensor {
  if (shape.every(part => typeof part === 'number')) return int64Constant(shape as number[])
  const parts = shape.map(part => (typeof part === 'number' ? int64Constant([part]) : extentOf(part.of, part.axis)))
  if (parts.length === 1) return parts[0]
  return recordOne('Concat', parts, { type: 'int64', dims: [parts.length] }, { axis: { int: 0 } })
}

/** Gives the elements another shape, in which at most one number is −1. */
export function reshapeTo(tensor: Tensor, shape: readonly Extent[], dims: Dims): Tensor {
  const hasZero = shape.includes(0)
  const attributes: Attributes =
    hasZero || shape.some(part => typeof part !== 'number') ? { allowzero: { int: 1 } } : {}
  return recordOne('Reshape', [tensor, shapeTensor(shape)], { type: tensor.type, dims }, attributes)
}

export const isKnown = (dims: Dims): dims is readonly number[] => !dims.includes(undefined)

export function product(dims: Dims): Dim {
  return isKnown(dims) ? dims.reduce((a, b) => a * b, 1) : dims.includes(0) ? 0 : undefined
}
