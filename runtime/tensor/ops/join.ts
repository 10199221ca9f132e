import { ArgumentError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim } from '../../graph/expression.ts'
import { axisOf } from '../arguments/axis.ts'
import { expect } from '../arguments/check-arguments.ts'
import { currentPosition } from '../current-position.ts'
import { record, recordOne, type Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Constant } from '../values/int64.ts'
import { promoteTypes } from '../values/promote.ts'
import { castTo } from './support/kernel.ts'

/** Joins tensors along an axis that they have. They get a common dtype. @throws ShapeError if the other dims differ */
export function cat(tensors: readonly TensorLike[], dim?: number): Tensor
export function cat(tensors: readonly TensorLike[], dim = 0, ...surplus: unknown[]): Tensor {
  expect('cat', tensors, dim, ...surplus)
  const parts = common(tensors, 'cat')
  const axis = axisOf(dim, parts[0].dims.length, 'cat')
  const dims = [...parts[0].dims]
  let length: Dim = 0
  for (const part of parts) {
    const fits =
      part.dims.length === dims.length &&
      part.dims.every((own, i) => i === axis || own === undefined || dims[i] === undefined || own === dims[i])
    if (!fits)
      throw new ShapeError(
        `cat: ${showDims(parts[0].dims)} and ${showDims(part.dims)} differ in more than dim ${axis}`,
        currentPosition(),
      )
    const own: Dim = part.dims[axis]
    length = own === undefined || length === undefined ? undefined : length + own
  }
  dims[axis] = length
  return recordOne('Concat', parts, { type: parts[0].type, dims }, { axis: { int: axis } })
}

/** Joins tensors of the same dims along a new axis. They get a common dtype. @throws ShapeError if the dims differ */
export function stack(tensors: readonly TensorLike[], dim?: number): Tensor
export function stack(tensors: readonly TensorLike[], dim = 0, ...surplus: unknown[]): Tensor {
  expect('stack', tensors, dim, ...surplus)
  const parts = common(tensors, 'stack')
  return cat(
    parts.map(part => part.unsqueeze(dim)),
    axisOf(dim, parts[0].dims.length + 1, 'stack'),
  )
}

function common(tensors: readonly TensorLike[], operation: string): Tensor[] {
  if (tensors.length === 0) throw new ArgumentError(`${operation}: an empty list has no dims.`, currentPosition())
  const parts = tensors.map(tensor => toTensor(tensor))
  const type = parts.map(part => part.type).reduce(promoteTypes)
  return parts.map(part => castTo(part, type))
}

export const joining = {
  /** Splits an axis into pieces of the size `sizes`, of which the last may be smaller; or into pieces of the listed sizes. */
  split(this: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
    const axis = axisOf(dim, this.dims.length, 'split')
    const size = this.dims[axis]
    if (size === undefined)
      throw new ShapeError(`split: dim ${dim} of ${showDims(this.dims)} is not known`, currentPosition())
    const list = typeof sizes === 'number' ? pieces(size, sizes) : [...sizes]
    if (list.reduce((sum, piece) => sum + piece, 0) !== size) {
      throw new ShapeError(
        `split: ${showDims(list)} does not add up to ${size}, dim ${dim} of ${showDims(this.dims)}`,
        currentPosition(),
      )
    }
    const results = list.map(length => ({
      type: this.type,
      dims: this.dims.map((own, i) => (i === axis ? length : own)),
    }))
    return record('Split', [this, int64Constant(list)], results, { axis: { int: axis } })
  },
  /** Splits an axis into `count` pieces of equal size, of which the last may be smaller; into fewer if there are not enough elements. */
  chunk(this: Tensor, count: number, dim = 0): Tensor[] {
    const size = this.dims[axisOf(dim, this.dims.length, 'chunk')]
    if (size === undefined)
      throw new ShapeError(`chunk: dim ${dim} of ${showDims(this.dims)} is not known`, currentPosition())
    if (size === 0) return this.split(new Array<number>(count).fill(0), dim)
    return this.split(Math.ceil(size / count), dim)
  },
  /** Returns one tensor for each place along an axis, without that axis. */
  unbind(this: Tensor, dim = 0): Tensor[] {
    const axis = axisOf(dim, this.dims.length, 'unbind')
    if (this.dims[axis] === 0) return []
    return this.split(1, axis).map(piece => piece.squeeze(axis))
  },
}

function pieces(size: number, length: number): number[] {
  if (!(length > 0)) throw new ArgumentError(`split: pieces of ${length} elements.`, currentPosition())
  const list: number[] = []
  for (let at = 0; at < size; at += length) list.push(Math.min(length, size - at))
  return list.length > 0 ? list : [0]
}
