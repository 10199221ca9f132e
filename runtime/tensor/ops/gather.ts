import { ArgumentError, DtypeError, IndexError, ShapeError, showDims } from '../../errors/tensor.ts'
import type { Dims } from '../../graph/expression.ts'
import { axisOf } from '../arguments/axis.ts'
import { currentPosition } from '../current-position.ts'
import { recordOne, stateOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Constant } from '../values/int64.ts'
import { broadcastDims, promoteTypes } from '../values/promote.ts'
import { where } from './comparison.ts'
import { type Extent, extent, extents, reshapeTo, shapeTensor } from './support/dims.ts'
import { flatten } from './support/extent.ts'
import { castTo, kernelType } from './support/kernel.ts'

/** Reads and writes of elements by their index. Indices are integers; negative ones count from the end. The dtype stays. */
export const gathering = {
  /**
   * Takes elements along a dim: result[i][j] = this[indices[i][j]][j] for dim 0. The result has the dims of `indices`.
   * @throws IndexError for indices out of range; ShapeError if `indices` is larger than the tensor in another dim
   */
  gather(this: Tensor, dim: number, indices: TensorLike): Tensor {
    const axis = axisOf(dim, this.dims.length, 'gather')
    const at = index(indices, 'gather', this.dims[axis], dim)
    const from = trim(this, at, axis, 'gather')
    return recordOne('GatherElements', [from, at], { type: this.type, dims: at.dims }, { axis: { int: axis } })
  },
  /**
   * Takes elements along a dim as `gather` does, but broadcasts the other dims; without `dim`, from the flattened tensor, as NumPy's
   * take_along_axis.
   * @throws IndexError, ShapeError
   */
  takeAlongDim(this: Tensor, indices: TensorLike, dim?: number): Tensor {
    if (dim === undefined) return this.take(flatten(index(indices, 'takeAlongDim')))
    const axis = axisOf(dim, this.dims.length, 'takeAlongDim')
    const at = index(indices, 'takeAlongDim', this.dims[axis], dim)
    if (at.rank !== this.rank)
      throw new ShapeError(
        `takeAlongDim: ${showDims(this.dims)} and ${showDims(at.dims)} differ in rank`,
        currentPosition(),
      )
    const joint = broadcastDims('takeAlongDim', this.dims.with(axis, 1), at.dims.with(axis, 1)) as Dims
    const rows = spread(this, extents(at).with(axis, 1), joint.with(axis, this.dims[axis]))
    return rows.gather(dim, spread(at, extents(this).with(axis, 1), joint.with(axis, at.dims[axis])))
  },
  /**
   * Takes the elements at these indices of the flattened tensor. The result has the dims of `indices`.
   * @throws IndexError for indices out of range
   */
  take(this: Tensor, indices: TensorLike): Tensor {
    const row = flatten(this)
    const at = index(indices, 'take', row.dims[0])
    return recordOne('Gather', [row, at], { type: this.type, dims: at.dims }, { axis: { int: 0 } })
  },
  /** Takes whole slices along a dim, by a list of indices. @throws IndexError for indices out of range */
  indexSelect(this: Tensor, dim: number, indices: TensorLike): Tensor {
    const axis = axisOf(dim, this.dims.length, 'indexSelect')
    const at = index(indices, 'indexSelect', this.dims[axis], dim)
    if (at.rank > 1)
      throw new ShapeError(`indexSelect: the indices are ${showDims(at.dims)}, and not one list`, currentPosition())
    const list = at.rank === 0 ? at.unsqueeze(0) : at
    const dims = this.dims.toSpliced(axis, 1, ...list.dims)
    return recordOne('Gather', [this, list], { type: this.type, dims }, { axis: { int: axis } })
  },
  /**
   * Returns a copy with the elements of `source` written at `indices` along the dim: the reverse of `gather`. If an index occurs twice, it
   * is not defined which element stays.
   * @throws IndexError, ShapeError, DtypeError
   */
  scatter(this: Tensor, dim: number, indices: TensorLike, source: TensorLike): Tensor {
    return scatter(this, dim, indices, source, 'scatter')
  },
  /** Returns a copy with the elements of `source` added at `indices` along the dim. @throws IndexError, ShapeError, DtypeError */
  scatterAdd(this: Tensor, dim: number, indices: TensorLike, source: TensorLike): Tensor {
    return scatter(this, dim, indices, source, 'scatterAdd')
  },
  /**
   * Returns a copy with the slices of `source` added to the slices at `indices` along the dim.
   * @throws IndexError, ShapeError, DtypeError
   */
  indexAdd(this: Tensor, dim: number, indices: TensorLike, source: TensorLike): Tensor {
    const axis = axisOf(dim, this.dims.length, 'indexAdd')
    const at = index(indices, 'indexAdd', this.dims[axis], dim)
    const rows = toTensor(source, { type: this.type })
    const count = at.rank === 0 ? 1 : at.dims[0]
    const own = rows.rank === this.rank ? rows.dims[axis] : undefined
    const isOther = count !== undefined && own !== undefined && own !== count
    if (at.rank > 1 || rows.rank !== this.rank || isOther)
      throw new ShapeError(
        `indexAdd: rows of ${showDims(rows.dims)} at indices of ${showDims(at.dims)}`,
        currentPosition(),
      )
    const shape = this.dims.map((_, i) => (i === axis ? -1 : 1))
    const column = reshapeTo(
      at,
      shape,
      this.dims.map((_, i) => (i === axis ? at.dims[0] : 1)),
    )
    const spread = recordOne('Expand', [column, shapeTensor(extents(rows))], { type: 'int64', dims: rows.dims })
    return scatter(this, axis, spread, rows, 'scatterAdd')
  },
  /**
   * Returns a copy with `value` where the mask holds. The dtype stays.
   * @throws DtypeError for a tensor whose dtype would lose precision; ShapeError if the mask does not broadcast
   */
  maskedFill(this: Tensor, mask: TensorLike, value: TensorLike): Tensor {
    return where(mask, converted(value, this.type, 'maskedFill'), this)
  },
  /** Takes the elements where the mask holds, as a vector. Its length is known before the run only if the mask is computed. */
  maskedSelect(this: Tensor, mask: TensorLike): Tensor {
    const test = castTo(toTensor(mask), 'bool')
    const joint = broadcastDims('maskedSelect', this.dims, test.dims) as Dims
    const all = spread(test, extents(this), joint)
    const count = all.computed ? countOf(all) : undefined
    const inputs = [flatten(spread(this, extents(test), joint)), flatten(all)]
    return recordOne('Compress', inputs, { type: this.type, dims: [count] }, { axis: { int: 0 } })
  },
  /** Returns the indices of all elements that are not zero: [count, rank], int64. */
  nonzero(this: Tensor): Tensor {
    if (this.rank === 0) return this.unsqueeze(0).nonzero().narrow(1, 0, 0)
    const places = recordOne('NonZero', [castTo(this, 'bool')], { type: 'int64', dims: [this.dims.length, undefined] })
    return recordOne(
      'Transpose',
      [places],
      { type: 'int64', dims: [undefined, this.dims.length] },
      { perm: { ints: [1, 0] } },
    )
  },
}

function countOf(mask: Tensor): number {
  return (stateOf(mask).data().data as Uint8Array).reduce((sum: number, flag: number) => sum + flag, 0)
}

/** Converts indices to int64. Computed ones are checked at once. */
function index(value: TensorLike, operation: string, size?: number, dim?: number): Tensor {
  const indices = value instanceof Tensor ? value : toTensor(value, ArrayBuffer.isView(value) ? {} : { type: 'int64' })
  if (!/^u?int\d/.test(indices.type))
    throw new ArgumentError(`${operation}: ${indices.type} indices`, currentPosition(), 'use int64')
  if (indices.computed && size !== undefined) {
    for (const at of stateOf(indices).data().data as ArrayLike<number | bigint> & Iterable<number | bigint>) {
      if (at >= size || at < -size)
        throw new IndexError(
          `${operation}: index ${at} is out of range for ${dim === undefined ? '' : `dim ${dim}, `}size ${size}`,
          currentPosition(),
        )
    }
  }
  return castTo(indices, 'int64')
}

/** Cuts the other dims to those of the indices, which may be smaller. */
function trim(tensor: Tensor, at: Tensor, axis: number, operation: string): Tensor {
  checkFit(tensor, at, axis, operation)
  const axes = at.dims.flatMap((dim, i) => (i === axis || (dim !== undefined && dim === tensor.dims[i]) ? [] : [i]))
  if (axes.length === 0) return tensor
  const ends = shapeTensor(axes.map(i => extent(at, i)))
  const dims = tensor.dims.map((dim, i) => (axes.includes(i) ? at.dims[i] : dim))
  const inputs = [tensor, int64Constant(axes.map(() => 0)), ends, int64Constant(axes)]
  return recordOne('Slice', inputs, { type: tensor.type, dims })
}

/** Expands the tensor to the dims that it has together with another shape. */
function spread(tensor: Tensor, other: readonly Extent[], joint: Dims): Tensor {
  const isSame =
    tensor.dims.length === joint.length && joint.every((dim, i) => dim !== undefined && dim === tensor.dims[i])
  if (isSame) return tensor
  return recordOne('Expand', [tensor, shapeTensor(other)], { type: tensor.type, dims: joint })
}

function converted(value: TensorLike, type: Tensor['type'], operation: string): Tensor {
  if (!(value instanceof Tensor)) return toTensor(value, { type })
  if (promoteTypes(value.type, type) === type) return castTo(value, type)
  throw new DtypeError(
    `${operation}: a ${value.type} value into a ${type} tensor`,
    currentPosition(),
    `convert it: value.to('${type}')`,
  )
}

function scatter(
  target: Tensor,
  dim: number,
  indices: TensorLike,
  source: TensorLike,
  operation: 'scatter' | 'scatterAdd',
): Tensor {
  const axis = axisOf(dim, target.dims.length, operation)
  const at = index(indices, operation, target.dims[axis], dim)
  checkFit(target, at, axis, operation)
  const values = converted(source, target.type, operation)
  const full =
    values.rank === 0
      ? recordOne('Expand', [values, shapeTensor(extents(at))], { type: target.type, dims: at.dims })
      : trim(values, at, -1, operation)
  const adds = operation === 'scatterAdd'
  // onnxruntime adds in these dtypes only.
  const type = adds ? (target.type === 'float16' ? 'float32' : kernelType(target.type)) : target.type
  return castTo(
    recordOne(
      'ScatterElements',
      [castTo(target, type), at, castTo(full, type)],
      { type, dims: target.dims },
      { axis: { int: axis }, ...(adds ? { reduction: { string: 'add' } } : {}) },
    ),
    target.type,
  )
}

/** Checks that the indices are not larger than the tensor, except along the axis. */
function checkFit(tensor: Tensor, at: Tensor, axis: number, operation: string): void {
  const fits =
    at.rank === tensor.rank &&
    at.dims.every((dim, i) => i === axis || dim === undefined || dim <= (tensor.dims[i] ?? dim))
  if (!fits)
    throw new ShapeError(
      `${operation}: indices of ${showDims(at.dims)} do not fit ${showDims(tensor.dims)}`,
      currentPosition(),
    )
}
