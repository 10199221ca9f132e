import { ArgumentError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim } from '../../graph/expression.ts'
import { axesOf, axisOf } from '../arguments/axis.ts'
import { currentPosition } from '../current-position.ts'
import { recordOne, type Tensor } from '../tensor.ts'
import { int64Constant, int64Operand, MAX, MIN } from '../values/int64.ts'
import { extents, reshapeTo } from './support/dims.ts'
import { extentOf } from './support/extent.ts'
import { castTo, kernelType } from './support/kernel.ts'

type Numbers = number[] | [readonly number[]]

/** Operations that move or repeat elements. The result has the input's dtype. */
export const arranging = {
  /**
   * Repeats the whole tensor along each axis as often as `times` says; surplus counts in front add axes. The dims are multiplied by the
   * counts.
   */
  repeat(this: Tensor, ...times: Numbers): Tensor {
    const counts = times.flat() as number[]
    const lead = counts.length - this.dims.length
    if (lead < 0)
      throw new ArgumentError(
        `repeat: ${counts.length} counts for a tensor of rank ${this.dims.length}`,
        currentPosition(),
      )
    if (counts.some(count => !Number.isInteger(count) || count < 0))
      throw new ArgumentError(`repeat: ${showDims(counts)} are no counts`, currentPosition())
    const base = lead === 0 ? this : addLeading(this, lead)
    const dims = base.dims.map((dim, i): Dim => (counts[i] === 0 ? 0 : dim === undefined ? undefined : dim * counts[i]))
    return recordOne('Tile', [base, int64Constant(counts)], { type: this.type, dims })
  },
  /** Repeats the whole tensor as `repeat` does; missing counts in front are 1. */
  tile(this: Tensor, ...times: Numbers): Tensor {
    const counts = times.flat() as number[]
    return this.repeat([...new Array<number>(Math.max(0, this.dims.length - counts.length)).fill(1), ...counts])
  },
  /**
   * Repeats each element along an axis: all of them `times` times, or each its own count of times. Without `dim`, the tensor is first
   * flattened to one row.
   */
  repeatInterleave(this: Tensor, times: number | readonly number[], dim?: number): Tensor {
    if (dim === undefined) return this.flatten().repeatInterleave(times, 0)
    const axis = axisOf(dim, this.dims.length, 'repeatInterleave')
    const size = this.dims[axis]
    if (typeof times === 'number') {
      const counts = this.dims.map(() => 1).toSpliced(axis + 1, 0, times)
      const spread = this.unsqueeze(axis + 1).repeat(counts)
      const shape = extents(this).with(axis, size === undefined ? -1 : size * times)
      return reshapeTo(spread, shape, this.dims.with(axis, size === undefined ? undefined : size * times))
    }
    if (size !== undefined && times.length !== size)
      throw new ShapeError(
        `repeatInterleave: ${times.length} counts for dim ${dim} of ${showDims(this.dims)}`,
        currentPosition(),
      )
    return this.indexSelect(axis, int64Operand(times.flatMap((count, i) => new Array<number>(count).fill(i))))
  },
  /** Reverses the order of elements along the axes `which`, or along all axes. */
  flip(this: Tensor, ...which: Numbers): Tensor {
    const axes = axesOf(which.flat() as number[], this.dims.length, 'flip')
    if (axes.length === 0) return this
    const all = (value: number | bigint) => int64Constant(axes.map(() => value))
    const inputs = [this, all(MAX), all(MIN), int64Constant(axes), all(-1)]
    return recordOne('Slice', inputs, { type: this.type, dims: this.dims })
  },
  /**
   * Moves the elements along an axis by `shifts` places; elements past the end come in at the start. Without `dims`, the elements move
   * along the flattened tensor.
   */
  roll(this: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
    if (dims === undefined) return reshapeTo(this.flatten().roll(shifts, 0), extents(this), this.dims)
    const [by, axes] = [[shifts].flat(), axesOf([dims].flat(), this.dims.length, 'roll')]
    if (by.length !== axes.length)
      throw new ArgumentError(`roll: ${by.length} shifts for ${axes.length} dims`, currentPosition())
    return axes.reduce((tensor: Tensor, axis, i) => rollAxis(tensor, by[i], axis), this)
  },
  /** Rotates the plane of two axes by 90 degrees `times` times, from the first axis towards the second. */
  rot90(this: Tensor, times = 1, dims: readonly [number, number] = [0, 1]): Tensor {
    const [a, b] = axesOf(dims, this.dims.length, 'rot90')
    const turns = ((times % 4) + 4) % 4
    if (turns === 0) return this
    if (turns === 2) return this.flip(a, b)
    return turns === 1 ? this.flip(b).transpose(a, b) : this.transpose(a, b).flip(b)
  },
  /** Keeps the lower triangle of the last two axes, up to the given diagonal, and sets the elements above it to 0. */
  tril(this: Tensor, diagonal = 0): Tensor {
    return triangle(this, diagonal, 0)
  },
  /** Keeps the upper triangle of the last two axes, from the given diagonal on, and sets the elements below it to 0. */
  triu(this: Tensor, diagonal = 0): Tensor {
    return triangle(this, diagonal, 1)
  },
  /** Takes the elements on a diagonal of the axes a and b, as a new last axis. */
  diagonal(this: Tensor, offset = 0, a = 0, b = 1): Tensor {
    const [x, y] = axesOf([a, b], this.dims.length, 'diagonal')
    const matrices = this.movedim([x, y], [-2, -1])
    const [rows, columns] = matrices.dims.slice(-2)
    if (rows === undefined || columns === undefined)
      throw new ShapeError(`diagonal: dims ${a} and ${b} of ${showDims(this.dims)} are not known`, currentPosition())
    const length = Math.max(0, Math.min(rows + Math.min(0, offset), columns - Math.max(0, offset)))
    const first = offset >= 0 ? offset : -offset * columns
    const row = matrices.flatten(-2)
    const bounds = [int64Operand([first]), int64Operand([first + length * (columns + 1)])]
    const inputs = [row, ...bounds, int64Constant([row.rank - 1]), int64Constant([columns + 1])]
    return recordOne('Slice', inputs, { type: this.type, dims: [...row.dims.slice(0, -1), length] })
  },
}

function addLeading(tensor: Tensor, count: number): Tensor {
  const axes = Array.from({ length: count }, (_, i) => i)
  const dims = [...axes.map(() => 1), ...tensor.dims]
  return recordOne('Unsqueeze', [tensor, int64Constant(axes)], { type: tensor.type, dims })
}

/** Joins the end of the axis and its start. Where to cut depends on the length, so for an unknown length the run computes the places. */
function rollAxis(tensor: Tensor, shift: number, axis: number): Tensor {
  const { type, dims } = tensor
  if (!Number.isInteger(shift)) throw new ArgumentError(`roll: a shift of ${shift}`, currentPosition())
  const size = dims[axis]
  if (size === undefined) {
    const length = recordOne('Squeeze', [extentOf(tensor, axis), int64Constant([0])], { type: 'int64', dims: [] })
    const numbers = [int64Constant([0], []), length, int64Constant([1], [])]
    const places = recordOne('Range', numbers, { type: 'int64', dims: [undefined] })
    const moved = recordOne('Sub', [places, int64Operand([shift], [])], { type: 'int64', dims: [undefined] })
    // An axis without elements has nothing to move, but onnxruntime refuses to divide by its length of 0.
    const divisor = recordOne('Max', [length, int64Constant([1], [])], { type: 'int64', dims: [] })
    const wrapped = recordOne('Mod', [moved, divisor], { type: 'int64', dims: [undefined] })
    return recordOne('Gather', [tensor, wrapped], { type, dims }, { axis: { int: axis } })
  }
  const by = size === 0 ? 0 : ((shift % size) + size) % size
  const cut = (from: number, to: number | bigint, length: number): Tensor =>
    recordOne('Slice', [tensor, int64Operand([from]), int64Operand([to]), int64Constant([axis])], {
      type,
      dims: dims.with(axis, length),
    })
  const parts = [cut(size - by, MAX, by), cut(0, size - by, size - by)]
  return recordOne('Concat', parts, { type, dims }, { axis: { int: axis } })
}

function triangle(input: Tensor, diagonal: number, upper: 0 | 1): Tensor {
  if (input.dims.length < 2)
    throw new ShapeError(`${upper ? 'triu' : 'tril'}: ${showDims(input.dims)} has no two axes`, currentPosition())
  const type = kernelType(input.type)
  const k = int64Operand([diagonal], [])
  return castTo(
    recordOne('Trilu', [castTo(input, type), k], { type, dims: input.dims }, { upper: { int: upper } }),
    input.type,
  )
}
