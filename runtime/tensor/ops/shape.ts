import { ArgumentError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dim, Dims } from '../../graph/expression.ts'
import { axesOf, axisOf } from '../arguments/axis.ts'
import { currentPosition } from '../current-position.ts'
import { sizeOf } from '../dtypes/data.ts'
import { dimsOf, recordOne, Tensor } from '../tensor.ts'
import { int64Constant } from '../values/int64.ts'
import { type Extent, extent, extents, isKnown, product, reshapeTo, shapeTensor } from './support/dims.ts'

/** Numbers as separate arguments, or in one array. */
type Numbers = number[] | [readonly number[]]

/**
 * Operations that give the same elements other dims. The dtype stays. Values are immutable, so it makes no difference whether a result is a
 * view or a copy.
 */
export const shaping = {
  /** Gives the elements other dims, in the same row-major order; one of the dims may be −1. @throws ShapeError if the sizes differ */
  reshape(this: Tensor, ...shape: Numbers): Tensor {
    const dims = shape.flat() as number[]
    const wrong = dims.find(dim => !Number.isInteger(dim) || dim < -1)
    if (wrong !== undefined) throw new ArgumentError(`reshape: ${wrong} is not a length of a dim.`, currentPosition())
    if (dims.filter(dim => dim === -1).length > 1)
      throw new ShapeError(`reshape: ${showDims(dims)} has more than one -1`, currentPosition())
    return reshapeTo(this, dims, reshapedDims(dimsOf(this), dims))
  },
  /** The same as `reshape`. */
  view(this: Tensor, ...shape: Numbers): Tensor {
    return this.reshape(...(shape as number[]))
  },
  /** Joins the axes from `start` to `end` into one. */
  flatten(this: Tensor, start = 0, end = -1): Tensor {
    const { dims } = this
    const axes = Math.max(1, dims.length)
    const [from, to] = [axisOf(start, axes, 'flatten'), axisOf(end, axes, 'flatten')]
    if (dims.length === 0) return this.reshape(1)
    if (from > to) throw new ArgumentError(`flatten: dim ${start} lies behind dim ${end}`, currentPosition())
    const merged = product(dims.slice(from, to + 1))
    const own = extents(this)
    return reshapeTo(
      this,
      own.toSpliced(from, to + 1 - from, merged ?? -1),
      dims.toSpliced(from, to + 1 - from, merged),
    )
  },
  /** Splits an axis into several; one of the sizes may be −1. @throws ShapeError if the sizes do not multiply to the dim */
  unflatten(this: Tensor, dim: number, sizes: readonly number[]): Tensor {
    const axis = axisOf(dim, this.dims.length, 'unflatten')
    const parts = reshapedDims([this.dims[axis]], sizes, 'unflatten')
    const shape: Extent[] = parts.map((part, i) => part ?? sizes[i])
    return reshapeTo(this, extents(this).toSpliced(axis, 1, ...shape), this.dims.toSpliced(axis, 1, ...parts))
  },
  /** Exchanges two axes. */
  transpose(this: Tensor, a: number, b: number): Tensor {
    const axes = this.dims.map((_, i) => i)
    const [x, y] = [axisOf(a, axes.length, 'transpose'), axisOf(b, axes.length, 'transpose')]
    axes[x] = y
    axes[y] = x
    return this.permute(...axes)
  },
  /** The same as `transpose`. */
  swapaxes(this: Tensor, a: number, b: number): Tensor {
    return this.transpose(a, b)
  },
  /** Puts the axes into another order: axis i of the result is axis order[i] of this tensor. */
  permute(this: Tensor, ...order: Numbers): Tensor {
    const { dims } = this
    const axes = axesOf(order.flat() as number[], dims.length, 'permute')
    if (axes.length !== dims.length)
      throw new ArgumentError(`permute: ${axes.length} axes for a tensor of rank ${dims.length}`, currentPosition())
    const result = axes.map(axis => dims[axis])
    return recordOne('Transpose', [this], { type: this.type, dims: result }, { perm: { ints: axes } })
  },
  /** Moves axes to other places; the others keep their order. */
  movedim(this: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
    const rank = this.dims.length
    const sources = axesOf([from].flat(), rank, 'movedim')
    const targets = axesOf([to].flat(), rank, 'movedim')
    if (sources.length !== targets.length)
      throw new ArgumentError(`movedim: ${sources.length} dims for ${targets.length} places`, currentPosition())
    const others = this.dims.map((_, i) => i).filter(axis => !sources.includes(axis))
    return this.permute(
      this.dims.map((_, i) => (targets.includes(i) ? sources[targets.indexOf(i)] : (others.shift() as number))),
    )
  },
  /** Removes all axes of size 1, or those of the named axes that have size 1. A named axis of unknown size must turn out to have size 1. */
  squeeze(this: Tensor, ...which: Numbers): Tensor {
    const { dims } = this
    const named = which.flat() as number[]
    if (named.length === 0 && !isKnown(dims)) return recordOne('Squeeze', [this], { type: this.type, dims: undefined })
    const candidates = named.length > 0 ? axesOf(named, dims.length, 'squeeze') : dims.map((_, i) => i)
    const axes = candidates.filter(axis => dims[axis] === 1 || dims[axis] === undefined)
    if (axes.length === 0) return this
    return recordOne('Squeeze', [this, int64Constant(axes)], {
      type: this.type,
      dims: dims.filter((_, i) => !axes.includes(i)),
    })
  },
  /** Adds an axis of size 1, which stands at `dim` in the result. */
  unsqueeze(this: Tensor, dim: number): Tensor {
    const { dims } = this
    const axis = axisOf(dim, dims.length + 1, 'unsqueeze')
    return recordOne('Unsqueeze', [this, int64Constant([axis])], { type: this.type, dims: dims.toSpliced(axis, 0, 1) })
  },
  /**
   * Expands axes of size 1 to the given sizes, and adds new axes in front; −1 keeps a dim.
   * @throws ShapeError if another dim would change
   */
  expand(this: Tensor, ...shape: Numbers): Tensor {
    const wanted = shape.flat() as number[]
    const own = this.dims
    const lead = wanted.length - own.length
    const fail = () => new ShapeError(`expand: ${showDims(own)} can't become ${showDims(wanted)}`, currentPosition())
    if (lead < 0) throw fail()
    const dims = wanted.map((dim, i): Dim => {
      const from = i < lead ? undefined : own[i - lead]
      if (i < lead ? dim < 0 : dim < -1 || (dim !== -1 && from !== undefined && from !== 1 && from !== dim))
        throw fail()
      return dim === -1 ? from : dim
    })
    const target = wanted.map(dim => (dim === -1 ? 1 : dim))
    const expanded = recordOne('Expand', [this, int64Constant(target)], { type: this.type, dims })
    // Expand would keep a dim that turns out to be larger than 1. Reshape refuses it.
    const isSure = own.every((from, i) => from !== undefined || wanted[i + lead] !== 1)
    if (isSure) return expanded
    const lengths = dims.map((dim, i) => dim ?? extent(this, i - lead))
    return reshapeTo(expanded, lengths, dims)
  },
  /** The same as `expand`. */
  broadcastTo(this: Tensor, ...shape: Numbers): Tensor {
    return this.expand(...(shape as number[]))
  },
  /** Expands to the dims of another tensor. @throws ShapeError */
  expandAs(this: Tensor, other: Tensor): Tensor {
    if (!(other instanceof Tensor))
      throw new ArgumentError('expandAs: it takes a tensor.', currentPosition(), 'for dims write h.expand([2, 3])')
    if (isKnown(other.dims)) return this.expand(other.dims)
    const [own, wanted] = [this.dims, other.dims]
    const lead = wanted.length - own.length
    const dims = wanted.map((dim, i) => dim ?? (own[i - lead] === 1 ? undefined : own[i - lead]))
    return recordOne('Expand', [this, shapeTensor(extents(other))], { type: this.type, dims })
  },
  /** Returns the same tensor: tensors are immutable, so no copy is needed. */
  clone(this: Tensor): Tensor {
    return this
  },
  /** Returns the same tensor: elements always lie in row-major order. */
  contiguous(this: Tensor): Tensor {
    return this
  },
}

function reshapedDims(from: Dims | undefined, to: readonly number[], operation = 'reshape'): Dims {
  const fixed = sizeOf(to.filter(dim => dim !== -1))
  if (fixed === 0 && to.includes(-1))
    throw new ShapeError(`${operation}: beside a 0, the -1 of ${showDims(to)} could be anything`, currentPosition())
  if (!from || !isKnown(from)) return to.map(dim => (dim === -1 ? undefined : dim))
  const size = sizeOf(from)
  const fits = to.includes(-1) ? size % fixed === 0 : size === fixed
  if (!fits)
    throw new ShapeError(
      `${operation}: ${showDims(from)} has ${size} elements, which do not fit ${showDims(to)}`,
      currentPosition(),
    )
  return to.map(dim => (dim === -1 ? size / fixed : dim))
}
