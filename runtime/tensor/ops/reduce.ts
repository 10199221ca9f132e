import { ArgumentError, IndexError } from '../../errors/tensor.ts'
import type { Attributes } from '../../graph/expression.ts'
import { currentPosition } from '../current-position.ts'
import { isFloat } from '../dtypes/dtype.ts'
import { dimsOf, record, recordOne, stateOf, type Tensor } from '../tensor.ts'
import { int64Constant, int64Operand } from '../values/int64.ts'
import { where } from './comparison.ts'
import { axesIn, axisIn, type Dimensions, dimsWith, extentOf, flatten, reducedDims } from './support/extent.ts'
import { asFloat, castTo, kernelType } from './support/kernel.ts'

/** Options of reductions. */
export interface ReduceOptions {
  /** Whether reduced dims stay, with size 1. @default false */
  readonly keepdim?: boolean
}

/** Elements in order, and the index that each had along the dim: int64. */
export interface Ranked {
  readonly values: Tensor
  readonly indices: Tensor
}

function reduce(
  name: string,
  opType: string,
  input: Tensor,
  dims: Dimensions | undefined,
  { keepdim = false }: ReduceOptions,
): Tensor {
  const axes = axesIn(input, dims, name)
  const inner = kernelType(input.type)
  const inputs = axes ? [castTo(input, inner), int64Constant(axes)] : [castTo(input, inner)]
  const result = { type: inner, dims: reducedDims(dimsOf(input), axes, keepdim) }
  return castTo(recordOne(opType, inputs, result, { keepdims: { int: Number(keepdim) } }), input.type)
}

/** Takes the largest or smallest element. NaN counts as both; onnxruntime finds it in some positions only. */
function extreme(
  name: string,
  opType: string,
  input: Tensor,
  dims: Dimensions | undefined,
  options: ReduceOptions,
): Tensor {
  const result = reduce(name, opType, input, dims, options)
  return isFloat(input.type) ? where(input.isnan().any(dims, options), Number.NaN, result) : result
}

/** Converts integers to int64, in which their sums and products are computed. */
function widened(input: Tensor): Tensor {
  return isFloat(input.type) ? input : castTo(input, 'int64')
}

function arg(
  name: string,
  opType: string,
  input: Tensor,
  dim: number | undefined,
  { keepdim = false }: ReduceOptions,
): Tensor {
  const own = castTo(input, kernelType(input.type))
  const tensor = dim === undefined ? flatten(own) : own
  const axis = axisIn(tensor, dim ?? 0, name)
  const attributes: Attributes = { axis: { int: axis }, keepdims: { int: Number(keepdim && dim !== undefined) } }
  const dims = reducedDims(dimsOf(tensor), [axis], keepdim && dim !== undefined)
  const result = recordOne(opType, [tensor], { type: 'int64', dims }, attributes)
  const rank = dimsOf(input)?.length
  if (!keepdim || dim !== undefined || !rank) return result
  return recordOne('Reshape', [result, int64Constant(Array(rank).fill(1))], {
    type: 'int64',
    dims: Array(rank).fill(1),
  })
}

function rank(
  input: Tensor,
  axis: number,
  k: Tensor,
  dim: number | undefined,
  largest: boolean,
  sorted: boolean,
): Ranked {
  const inner = kernelType(input.type)
  const dims = dimsWith(dimsOf(input), axis, dim)
  // onnxruntime divides by the number of rows before the axis: with none, that ends the process.
  const rows = dimsOf(input)?.slice(0, axis)
  if (rows?.includes(0)) {
    const first = [castTo(input, inner), int64Constant([0]), k, int64Constant([axis])]
    const none = recordOne('Slice', first, { type: inner, dims })
    return { values: castTo(none, input.type), indices: castTo(none, 'int64') }
  }
  if (rows?.includes(undefined)) {
    const { values, indices } = rank(input.transpose(0, axis), 0, k, dim, largest, sorted)
    return { values: values.transpose(0, axis), indices: indices.transpose(0, axis) }
  }
  const attributes = { axis: { int: axis }, largest: { int: Number(largest) }, sorted: { int: Number(sorted) } }
  const results = [
    { type: inner, dims },
    { type: 'int64' as const, dims },
  ]
  const [values, indices] = record('TopK', [castTo(input, inner), k], results, attributes)
  return { values: castTo(values, input.type), indices }
}

/** Returns how many elements are reduced to one: a number or, where dims are unknown, a tensor. */
function count(input: Tensor, axes: readonly number[] | undefined, reduced: Tensor): number | Tensor {
  const { dims } = stateOf(input).value
  const extents = dims && (axes ? axes.map(axis => dims[axis]) : dims)
  if (extents?.includes(undefined) === false) return (extents as number[]).reduce((a, b) => a * b, 1)
  const size = (tensor: Tensor): Tensor => castTo(recordOne('Size', [tensor], { type: 'int64', dims: [] }), input.type)
  return size(input).div(size(reduced))
}

function max(this: Tensor): Tensor
function max(this: Tensor, dim: number, options?: ReduceOptions): Ranked
function max(this: Tensor, dim?: number, options: ReduceOptions = {}): Tensor | Ranked {
  if (dim === undefined) return this.amax(undefined, options)
  return { values: this.amax(dim, options), indices: this.argmax(dim, options) }
}

function min(this: Tensor): Tensor
function min(this: Tensor, dim: number, options?: ReduceOptions): Ranked
function min(this: Tensor, dim?: number, options: ReduceOptions = {}): Tensor | Ranked {
  if (dim === undefined) return this.amin(undefined, options)
  return { values: this.amin(dim, options), indices: this.argmin(dim, options) }
}

/** Reductions over the given dims or over all, which drop these dims or, with `keepdim`, keep them with size 1; and sorting along a dim. */
export const reduction = {
  /** The sum, over the given dims or all; integers and bools give int64. */
  sum(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return reduce('sum', 'ReduceSum', widened(this), dims, options)
  },
  /** The mean, over the given dims or all; integers give float32. */
  mean(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return reduce('mean', 'ReduceMean', asFloat(this), dims, options)
  },
  /** The product, over the given dims or all; integers and bools give int64. */
  prod(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return reduce('prod', 'ReduceProd', widened(this), dims, options)
  },
  /**
   * The variance, over the given dims or all: Σ(x − mean)² / (n − correction). A correction of 1, the default, gives the unbiased estimate.
   * Integers give float32.
   */
  var(
    this: Tensor,
    dims?: Dimensions,
    { correction = 1, ...options }: ReduceOptions & { correction?: number } = {},
  ): Tensor {
    const input = asFloat(this)
    const mean = input.mean(dims, { keepdim: true })
    const difference = input.sub(mean)
    const n = count(input, axesIn(input, dims, 'var'), mean)
    const divisor = typeof n === 'number' ? Math.max(0, n - correction) : n.sub(correction).maximum(0)
    return difference.mul(difference).sum(dims, options).div(divisor)
  },
  /** The standard deviation: the square root of `var`. */
  std(this: Tensor, dims?: Dimensions, options: ReduceOptions & { correction?: number } = {}): Tensor {
    return this.var(dims, options).sqrt()
  },
  /** The largest element; along a dim, with its index. NaN counts as the largest. */
  max,
  /** The smallest element; along a dim, with its index. NaN counts as the smallest. */
  min,
  /** The largest element, over the given dims or all, in the same dtype. NaN counts as the largest. */
  amax(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return extreme('amax', 'ReduceMax', this, dims, options)
  },
  /** The smallest element, over the given dims or all, in the same dtype. NaN counts as the smallest. */
  amin(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return extreme('amin', 'ReduceMin', this, dims, options)
  },
  /**
   * The index of the largest element along the dim, the first of equal ones: int64. Without a dim, the index in the flattened tensor. It
   * does not look for NaN.
   */
  argmax(this: Tensor, dim?: number, options: ReduceOptions = {}): Tensor {
    return arg('argmax', 'ArgMax', this, dim, options)
  },
  /**
   * The index of the smallest element along the dim, the first of equal ones: int64. Without a dim, the index in the flattened tensor. It
   * does not look for NaN.
   */
  argmin(this: Tensor, dim?: number, options: ReduceOptions = {}): Tensor {
    return arg('argmin', 'ArgMin', this, dim, options)
  },
  /** The k largest elements along the dim, or the k smallest, in order, and their indices. @throws IndexError if there are fewer than k */
  topk(
    this: Tensor,
    k: number,
    dim = -1,
    { largest = true, sorted = true }: { largest?: boolean; sorted?: boolean } = {},
  ): Ranked {
    const axis = axisIn(this, dim, 'topk')
    const extent = dimsOf(this)?.at(axis)
    if (!Number.isInteger(k) || k < 0)
      throw new ArgumentError(`topk: k is ${k}, and must be a whole number.`, currentPosition())
    if (extent !== undefined && k > extent)
      throw new IndexError(`topk: k is ${k}, and dim ${dim} has ${extent} elements`, currentPosition())
    return rank(this, axis, int64Operand([k]), k, largest, sorted)
  },
  /** Sorts the elements along the dim, and returns their indices too. Equal elements keep their order. */
  sort(this: Tensor, dim = -1, { descending = false }: { descending?: boolean } = {}): Ranked {
    const axis = axisIn(this, dim, 'sort')
    return rank(this, axis, extentOf(this, axis), dimsOf(this)?.at(axis), descending, true)
  },
  /** The indices that sort the elements along the dim: int64. */
  argsort(this: Tensor, dim = -1, options: { descending?: boolean } = {}): Tensor {
    return this.sort(dim, options).indices
  },
  /** The sum of all elements up to each one along the dim; integers and bools give int64. */
  cumsum(this: Tensor, dim: number): Tensor {
    const input = widened(this)
    const axis = int64Constant([axisIn(input, dim, 'cumsum')], [])
    const inner = kernelType(input.type)
    return castTo(recordOne('CumSum', [castTo(input, inner), axis], { type: inner, dims: dimsOf(input) }), input.type)
  },
  /**
   * The p-norm (Σ|x|ᵖ)^(1/p), over the given dims or all: p is 2 by default, and 0, 1, Infinity or any other number. Integers give float32.
   */
  norm(this: Tensor, p = 2, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    const input = asFloat(this)
    if (p === 2) return reduce('norm', 'ReduceL2', input, dims, options)
    if (p === 1) return reduce('norm', 'ReduceL1', input, dims, options)
    if (p === 0) return castTo(input.ne(0), input.type).sum(dims, options)
    if (p === Number.POSITIVE_INFINITY) return input.abs().amax(dims, options)
    if (p === Number.NEGATIVE_INFINITY) return input.abs().amin(dims, options)
    return input
      .abs()
      .pow(p)
      .sum(dims, options)
      .pow(1 / p)
  },
  /** log Σ eˣ, over the given dims or all, computed without overflow; integers give float32. */
  logsumexp(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return reduce('logsumexp', 'ReduceLogSumExp', asFloat(this), dims, options)
  },
  /** Whether any element is not zero, over the given dims or all: bool. */
  any(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return castTo(reduce('any', 'ReduceSum', castTo(castTo(this, 'bool'), 'int64'), dims, options), 'bool')
  },
  /** Whether no element is zero, over the given dims or all: bool. */
  all(this: Tensor, dims?: Dimensions, options: ReduceOptions = {}): Tensor {
    return this.eq(0).any(dims, options).not()
  },
}
