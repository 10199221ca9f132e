import { axisOf } from '../axis.ts'
import { type TensorLike, toTensor } from '../convert.ts'
import { recordOne, type Tensor } from '../tensor.ts'
import { where } from './comparison.ts'
import { castTo } from './kernel.ts'

const index = (value: TensorLike): Tensor => castTo(toTensor(value, { type: 'int64' }), 'int64')

/** Elements by their place. */
export const gathering = {
  /** PyTorch's gather: the result has the dims of `indices`. */
  gather(this: Tensor, dim: number, indices: TensorLike): Tensor {
    const at = index(indices)
    return recordOne(
      'GatherElements',
      [this, at],
      { type: this.type, dims: at.dims },
      { axis: { int: axisOf(dim, this.dims.length, 'gather') } },
    )
  },
  /** A copy with the elements of `source` at `indices`. */
  scatter(this: Tensor, dim: number, indices: TensorLike, source: TensorLike): Tensor {
    return scatter(this, dim, indices, source)
  },
  /** A copy with the elements of `source` added at `indices`. */
  scatterAdd(this: Tensor, dim: number, indices: TensorLike, source: TensorLike): Tensor {
    return scatter(this, dim, indices, source, 'add')
  },
  /** Whole rows along an axis, by a list of indices. */
  indexSelect(this: Tensor, dim: number, indices: TensorLike): Tensor {
    const at = index(indices)
    const axis = axisOf(dim, this.dims.length, 'indexSelect')
    const dims = [...this.dims.slice(0, axis), ...at.dims, ...this.dims.slice(axis + 1)]
    return recordOne('Gather', [this, at], { type: this.type, dims }, { axis: { int: axis } })
  },
  /** `value` where the mask holds. */
  maskedFill(this: Tensor, mask: TensorLike, value: TensorLike): Tensor {
    return where(mask, toTensor(value, { type: this.type }), this)
  },
  /** The elements where the mask holds, in a row. */
  maskedSelect(this: Tensor, mask: Tensor): Tensor {
    const flat = recordOne('Reshape', [mask, shape([-1])], { type: 'bool', dims: [undefined] })
    return recordOne('Compress', [this, flat], { type: this.type, dims: [undefined] })
  },
  /** The places of all that is not zero: [count, rank]. */
  nonzero(this: Tensor): Tensor {
    const places = recordOne('NonZero', [this], { type: 'int64', dims: [this.dims.length, undefined] })
    return places.transpose(0, 1)
  },
}

const shape = (values: number[]): Tensor => toTensor(values, { type: 'int64' })

function scatter(target: Tensor, dim: number, indices: TensorLike, source: TensorLike, reduction?: 'add'): Tensor {
  const at = index(indices)
  const given = toTensor(source, { type: target.type })
  const full = given.dims.length === 0 && !at.dims.includes(undefined) ? given.expand(...(at.dims as number[])) : given
  const axis = axisOf(dim, target.dims.length, 'scatter')
  const attributes = { axis: { int: axis }, ...(reduction ? { reduction: { string: reduction } } : {}) }
  return recordOne(
    'ScatterElements',
    [target, at, castTo(full, target.type)],
    { type: target.type, dims: target.dims },
    attributes,
  )
}
