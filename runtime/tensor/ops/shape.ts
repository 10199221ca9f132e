import { ArgumentError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { axesOf, axisOf } from '../axis.ts'
import { sizeOf } from '../data.ts'
import { here } from '../here.ts'
import { int64Constant, int64Operand, MAX, MIN } from '../int64.ts'
import { recordOne, type Tensor } from '../tensor.ts'
import { castTo, kernelType } from './kernel.ts'

const isKnown = (dims: Dims): dims is readonly number[] => !dims.includes(undefined)

/** Another arrangement of the same elements. */
export const shaping = {
  /** The same elements with other dims; one of them may be −1. @throws ShapeError if the sizes differ */
  reshape(this: Tensor, ...shape: number[] | [readonly number[]]): Tensor {
    const dims = shape.flat() as number[]
    if (dims.filter(dim => dim === -1).length > 1)
      throw new ShapeError(`reshape: ${showDims(dims)} has more than one -1`, here())
    const result = reshapedDims(this.node.dims, dims)
    const hasZero = dims.includes(0)
    return recordOne(
      'Reshape',
      [this, int64Constant(dims)],
      { type: this.type, dims: result },
      hasZero ? { allowzero: { int: 1 } } : {},
    )
  },
  /** The same as reshape: values are immutable, so there is nothing to share. */
  view(this: Tensor, ...shape: number[] | [readonly number[]]): Tensor {
    return this.reshape(...(shape as number[]))
  },
  /** One axis in the place of the axes from `start` to `end`. */
  flatten(this: Tensor, start = 0, end = -1): Tensor {
    const { dims } = this
    if (dims.length === 0) return this.reshape(1)
    const [from, to] = [axisOf(start, dims.length, 'flatten'), axisOf(end, dims.length, 'flatten')]
    const before = dims.slice(0, from)
    const after = dims.slice(to + 1)
    if (isKnown(before) && isKnown(after)) return this.reshape(...before, -1, ...after)
    throw new ShapeError(`flatten: the kept dims of ${showDims(dims)} are not all known`, here())
  },
  /** Two axes exchanged. */
  transpose(this: Tensor, a: number, b: number): Tensor {
    const axes = this.dims.map((_, i) => i)
    const [x, y] = [axisOf(a, axes.length, 'transpose'), axisOf(b, axes.length, 'transpose')]
    axes[x] = y
    axes[y] = x
    return this.permute(...axes)
  },
  /** The axes in another order. */
  permute(this: Tensor, ...order: number[] | [readonly number[]]): Tensor {
    const { dims } = this
    const axes = axesOf(order.flat() as number[], dims.length, 'permute')
    if (axes.length !== dims.length)
      throw new ArgumentError(`permute: ${axes.length} axes for a tensor of rank ${dims.length}`, here())
    return recordOne(
      'Transpose',
      [this],
      { type: this.type, dims: axes.map(axis => dims[axis]) },
      { perm: { ints: axes } },
    )
  },
  /** One axis moved to another place. */
  movedim(this: Tensor, from: number, to: number): Tensor {
    const rank = this.dims.length
    const axes = this.dims.map((_, i) => i)
    const [axis] = axes.splice(axisOf(from, rank, 'movedim'), 1)
    axes.splice(axisOf(to, rank, 'movedim'), 0, axis)
    return this.permute(...axes)
  },
  /** Without the axes of size 1, or without those named. */
  squeeze(this: Tensor, ...which: number[]): Tensor {
    const { dims } = this
    const axes =
      which.length > 0
        ? axesOf(which, dims.length, 'squeeze').filter(axis => dims[axis] === 1)
        : dims.flatMap((dim, i) => (dim === 1 ? [i] : []))
    if (axes.length === 0) return this
    return recordOne('Squeeze', [this, int64Constant(axes)], {
      type: this.type,
      dims: dims.filter((_, i) => !axes.includes(i)),
    })
  },
  /** A new axis of size 1. */
  unsqueeze(this: Tensor, dim: number): Tensor {
    const { dims } = this
    const axis = axisOf(dim, dims.length + 1, 'unsqueeze')
    return recordOne('Unsqueeze', [this, int64Constant([axis])], {
      type: this.type,
      dims: [...dims.slice(0, axis), 1, ...dims.slice(axis)],
    })
  },
  /** Axes of size 1 stretched; −1 keeps a dim. @throws ShapeError */
  expand(this: Tensor, ...shape: number[] | [readonly number[]]): Tensor {
    const wanted = shape.flat() as number[]
    const own = this.dims
    const lead = wanted.length - own.length
    if (lead < 0) throw new ShapeError(`expand: ${showDims(own)} can't become ${showDims(wanted)}`, here())
    const dims = wanted.map((dim, i): Dim => {
      const from = i < lead ? 1 : own[i - lead]
      if (dim === -1) return from
      if (from !== undefined && from !== 1 && from !== dim)
        throw new ShapeError(`expand: ${showDims(own)} can't become ${showDims(wanted)}`, here())
      return dim
    })
    return recordOne('Expand', [this, int64Constant(wanted.map(dim => (dim === -1 ? 1 : dim)))], {
      type: this.type,
      dims,
    })
  },
  broadcastTo(this: Tensor, ...shape: number[] | [readonly number[]]): Tensor {
    return this.expand(...(shape as number[]))
  },
  /** The whole tensor, so many times along each axis. */
  repeat(this: Tensor, ...times: number[] | [readonly number[]]): Tensor {
    const counts = times.flat() as number[]
    const lead = counts.length - this.dims.length
    if (lead < 0)
      throw new ArgumentError(`repeat: ${counts.length} counts for a tensor of rank ${this.dims.length}`, here())
    const base = lead > 0 && isKnown(this.dims) ? this.reshape(...new Array<number>(lead).fill(1), ...this.dims) : this
    const dims = base.dims.map((dim, i): Dim => (dim === undefined ? undefined : dim * counts[i]))
    return recordOne('Tile', [base, int64Constant(counts)], { type: this.type, dims })
  },
  /** Axes reversed. */
  flip(this: Tensor, ...which: number[] | [readonly number[]]): Tensor {
    const axes = axesOf(which.flat() as number[], this.dims.length, 'flip')
    const all = (value: number | bigint) => int64Operand(axes.map(() => value))
    return recordOne('Slice', [this, all(-1), all(MIN), int64Constant(axes), all(-1)], {
      type: this.type,
      dims: this.dims,
    })
  },
  /** Elements moved along an axis, those past the end coming in at the start. */
  roll(this: Tensor, shift: number, dim: number): Tensor {
    const axis = axisOf(dim, this.dims.length, 'roll')
    const size = this.dims[axis]
    if (size === undefined) throw new ShapeError(`roll: dim ${dim} of ${showDims(this.dims)} is not known`, here())
    const by = size === 0 ? 0 : ((shift % size) + size) % size
    if (by === 0) return this
    const cut = (from: number, to: number | bigint, length: number) =>
      recordOne('Slice', [this, int64Operand([from]), int64Operand([to]), int64Constant([axis])], {
        type: this.type,
        dims: this.dims.map((d, i) => (i === axis ? length : d)),
      })
    return recordOne(
      'Concat',
      [cut(size - by, MAX, by), cut(0, size - by, size - by)],
      { type: this.type, dims: this.dims },
      { axis: { int: axis } },
    )
  },
  /** The lower triangle of the last two axes; above it zeros. */
  tril(this: Tensor, diagonal = 0): Tensor {
    return triangle(this, diagonal, 0)
  },
  /** The upper triangle of the last two axes; below it zeros. */
  triu(this: Tensor, diagonal = 0): Tensor {
    return triangle(this, diagonal, 1)
  },
  /** The same values: handles are immutable, so a copy costs nothing. */
  clone(this: Tensor): Tensor {
    return this
  },
}

function triangle(input: Tensor, diagonal: number, upper: 0 | 1): Tensor {
  const type = kernelType(input.type)
  const k = int64Operand([diagonal], [])
  return castTo(
    recordOne('Trilu', [castTo(input, type), k], { type, dims: input.dims }, { upper: { int: upper } }),
    input.type,
  )
}

function reshapedDims(from: Dims | undefined, to: readonly number[]): Dims {
  const fixed = sizeOf(to.filter(dim => dim !== -1))
  if (!from || !isKnown(from)) return to.map(dim => (dim === -1 ? undefined : dim))
  const size = sizeOf(from)
  const fits = to.includes(-1) ? (fixed === 0 ? size === 0 : size % fixed === 0) : size === fixed
  if (!fits)
    throw new ShapeError(`reshape: ${showDims(from)} has ${size} elements, which do not fit ${showDims(to)}`, here())
  return to.map(dim => (dim === -1 ? (fixed === 0 ? 0 : size / fixed) : dim))
}
