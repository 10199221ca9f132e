import { expect } from '../arguments/check-arguments.ts'
import { dimsOf, recordOne, type Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { broadcastDims, promote } from '../values/promote.ts'
import { asFloat, castTo, kernelType, predicate } from './support/kernel.ts'

function compare(name: string, opType: string, a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = promote(a, b)
  return predicate(opType, [left, right], broadcastDims(name, dimsOf(left), dimsOf(right)))
}

function logical(name: string, opType: string, a: Tensor, b: TensorLike): Tensor {
  const [left, right] = [truth(a), truth(toTensor(b))]
  return recordOne(opType, [left, right], { type: 'bool', dims: broadcastDims(name, dimsOf(left), dimsOf(right)) })
}

/** Converts to bool: an element that is not zero is true. */
function truth(tensor: Tensor): Tensor {
  return castTo(tensor, 'bool')
}

/** Comparisons and logic. The operands are broadcast together and the results are bool. */
export const comparison = {
  /** Whether the elements are equal: bool. NaN equals nothing. */
  eq(this: Tensor, other: TensorLike): Tensor {
    return compare('eq', 'Equal', this, other)
  },
  /** Whether the elements differ: bool. NaN differs from everything. */
  ne(this: Tensor, other: TensorLike): Tensor {
    return this.eq(other).not()
  },
  /** this < other: bool. */
  lt(this: Tensor, other: TensorLike): Tensor {
    return compare('lt', 'Less', this, other)
  },
  /** this ≤ other: bool. */
  le(this: Tensor, other: TensorLike): Tensor {
    return compare('le', 'LessOrEqual', this, other)
  },
  /** this > other: bool. */
  gt(this: Tensor, other: TensorLike): Tensor {
    return compare('gt', 'Greater', this, other)
  },
  /** this ≥ other: bool. */
  ge(this: Tensor, other: TensorLike): Tensor {
    return compare('ge', 'GreaterOrEqual', this, other)
  },
  /** Whether both elements are not zero: bool. */
  and(this: Tensor, other: TensorLike): Tensor {
    return logical('and', 'And', this, other)
  },
  /** Whether at least one of the two elements is not zero: bool. */
  or(this: Tensor, other: TensorLike): Tensor {
    return logical('or', 'Or', this, other)
  },
  /** Whether exactly one of the two elements is not zero: bool. */
  xor(this: Tensor, other: TensorLike): Tensor {
    return logical('xor', 'Xor', this, other)
  },
  /** Whether an element is zero: bool. */
  not(this: Tensor): Tensor {
    return recordOne('Not', [truth(this)], { type: 'bool', dims: dimsOf(this) })
  },
  /** Whether an element is NaN: bool. */
  isnan(this: Tensor): Tensor {
    return recordOne('IsNaN', [asFloat(this)], { type: 'bool', dims: dimsOf(this) })
  },
  /** Whether an element is infinite, of either sign: bool. */
  isinf(this: Tensor): Tensor {
    const input = asFloat(this)
    return recordOne('IsInf', [castTo(input, input.type === 'float64' ? 'float64' : 'float32')], {
      type: 'bool',
      dims: dimsOf(this),
    })
  },
  /** Whether an element is neither NaN nor infinite: bool. */
  isfinite(this: Tensor): Tensor {
    return this.isnan().or(this.isinf()).not()
  },
  /**
   * Takes this tensor's elements where `condition` holds, and those of `other` elsewhere. All three are broadcast together; the dtype is
   * the common one of both tensors.
   */
  where(this: Tensor, condition: TensorLike, other: TensorLike): Tensor {
    return where(condition, this, other)
  },
}

/**
 * Takes the elements of a where the condition holds, and those of b elsewhere. All three are broadcast together; the dtype is the common
 * one of a and b.
 * @throws ShapeError if the dims do not broadcast
 */
export function where(condition: TensorLike, a: TensorLike, b: TensorLike): Tensor
export function where(condition: TensorLike, a: TensorLike, b: TensorLike, ...surplus: unknown[]): Tensor {
  expect('where', condition, a, b, ...surplus)
  const test = castTo(toTensor(condition), 'bool')
  const [left, right] = promote(a, b)
  const inner = kernelType(left.type)
  const dims = broadcastDims('where', dimsOf(test), dimsOf(left), dimsOf(right))
  return castTo(recordOne('Where', [test, castTo(left, inner), castTo(right, inner)], { type: inner, dims }), left.type)
}
