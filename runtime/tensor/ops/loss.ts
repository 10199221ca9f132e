import { DtypeError, ShapeError, showDims } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { isFloat, isInteger } from '../dtypes/dtype.ts'
import { dimsOf, recordOne, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { int64Constant } from '../values/int64.ts'
import { broadcastDims, promote } from '../values/promote.ts'
import { where } from './comparison.ts'
import { axisFromBack } from './support/extent.ts'
import { asFloat, castTo, kernelType } from './support/kernel.ts'

/** Options of losses. */
export interface LossOptions {
  /** How the single losses are combined: their mean, their sum, or not at all. @default 'mean' */
  readonly reduction?: 'mean' | 'sum' | 'none'
}

function combine(losses: Tensor, reduction: 'mean' | 'sum' | 'none'): Tensor {
  if (reduction === 'none') return losses
  return reduction === 'sum' ? losses.sum() : losses.mean()
}

/** Losses and similarities, as in torch.nn.functional. Results are floating point. */
export const losses = {
  /**
   * The cross entropy, in nats, of logits [N, C, …] against classes [N, …] or probabilities [N, C, …]. Classes equal to `ignoreIndex`, −100
   * by default, do not count.
   * @throws ShapeError if the dims do not match; DtypeError if the target is neither integers nor probabilities
   */
  crossEntropy(this: Tensor, target: TensorLike, options: LossOptions & { ignoreIndex?: number } = {}): Tensor {
    const { reduction = 'mean', ignoreIndex = -100 } = options
    const axis = this.rank === 1 ? 0 : 1
    const logs = this.logSoftmax(axis)
    const expected = logs.dims.filter((_, i) => i !== axis)
    const targetTensor = toTensor(target)
    const isClasses = targetTensor.rank === expected.length
    const isPlain = !(target instanceof Tensor || ArrayBuffer.isView(target))
    const wanted = isClasses && isPlain ? toTensor(target, { type: 'int64' }) : targetTensor
    if (areDifferent(wanted.dims, isClasses ? expected : logs.dims)) {
      throw new ShapeError(`crossEntropy: ${showDims(this.dims)} against ${showDims(wanted.dims)}`, currentPosition())
    }
    if (!isClasses) {
      if (!isFloat(wanted.type))
        throw new DtypeError(`crossEntropy: probabilities can't be ${wanted.type}.`, currentPosition())
      const each = logs.mul(wanted).sum(axis).neg()
      return reduction === 'mean' && axis === 1 ? each.sum().div(countOf(each, logs)) : combine(each, reduction)
    }
    if (!isInteger(wanted.type)) {
      throw new DtypeError(
        `crossEntropy: classes are whole numbers, not ${wanted.type}.`,
        currentPosition(),
        'use long()',
      )
    }
    const classes = castTo(wanted, 'int64')
    const counts = classes.ne(ignoreIndex)
    const index = recordOne('Unsqueeze', [where(counts, classes, 0), int64Constant([axis])], {
      type: 'int64',
      dims: logs.dims.map((dim, i) => (i === axis ? 1 : dim)),
    })
    const picked = recordOne(
      'GatherElements',
      [logs, index],
      { type: logs.type, dims: index.dims },
      { axis: { int: axis } },
    )
    const each = where(counts, picked.sum(axis).neg(), 0)
    return reduction === 'mean' ? each.sum().div(castTo(counts, each.type).sum()) : combine(each, reduction)
  },
  /**
   * The Kullback–Leibler divergence, in nats, of a target distribution from these log-probabilities: target · (log target − this), averaged
   * over all elements by default. With `logTarget`, the target is log-probabilities too.
   * @throws ShapeError
   */
  klDiv(
    this: Tensor,
    target: TensorLike,
    {
      reduction = 'mean',
      logTarget = false,
    }: { reduction?: LossOptions['reduction'] | 'batchmean'; logTarget?: boolean } = {},
  ): Tensor {
    const [input, wanted] = promote(asFloat(this), target)
    const each = logTarget
      ? wanted.exp().mul(wanted.sub(input))
      : where(wanted.gt(0), wanted.mul(wanted.log().sub(input)), 0)
    if (reduction !== 'batchmean') return combine(each, reduction)
    return each.sum().div(batchOf(input))
  },
  /**
   * The cosine of the angle between vectors along the dim, which the result does not have. Lengths below `eps` count as `eps`.
   * @throws ShapeError, IndexError
   */
  cosineSimilarity(this: Tensor, other: TensorLike, dim = 1, { eps = 1e-8 }: { eps?: number } = {}): Tensor {
    const [a, b] = expandBoth(...promote(asFloat(this), other))
    const axis = axisFromBack(a, dim, 'cosineSimilarity')
    const length = (tensor: Tensor): Tensor => tensor.norm(2, axis).maximum(eps)
    return a
      .mul(b)
      .sum(axis)
      .div(length(a).mul(length(b)))
  },
  /** The squared differences, averaged over all elements by default. @throws ShapeError */
  mseLoss(this: Tensor, target: TensorLike, { reduction = 'mean' }: LossOptions = {}): Tensor {
    const difference = asFloat(this).sub(target)
    return combine(difference.mul(difference), reduction)
  },
}

function areDifferent(dims: Tensor['dims'], expected: Tensor['dims']): boolean {
  return (
    dims.length !== expected.length ||
    dims.some((dim, i) => dim !== undefined && expected[i] !== undefined && dim !== expected[i])
  )
}

/** Returns the number of losses, in the dtype of `like`. */
function countOf(each: Tensor, like: Tensor): Tensor {
  return castTo(recordOne('Size', [each], { type: 'int64', dims: [] }), like.type)
}

function batchOf(input: Tensor): Tensor {
  const first = recordOne('Shape', [input], { type: 'int64', dims: [1] }, { start: { int: 0 }, end: { int: 1 } })
  return castTo(first.sum(), input.type)
}

/** Expands both tensors to their common dims. */
function expandBoth(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const dims = broadcastDims('cosineSimilarity', dimsOf(a), dimsOf(b))
  const isWhole = (tensor: Tensor): boolean => {
    const own = dimsOf(tensor)
    return own?.length === dims?.length && own?.every((dim, i) => dim !== undefined && dim === dims?.[i]) === true
  }
  const expand = (tensor: Tensor, like: Tensor): Tensor => {
    if (isWhole(tensor)) return tensor
    const shape = recordOne('Shape', [like], { type: 'int64', dims: [dimsOf(like)?.length] })
    const inner = kernelType(tensor.type)
    return castTo(recordOne('Expand', [castTo(tensor, inner), shape], { type: inner, dims }), tensor.type)
  }
  return [expand(a, b), expand(b, a)]
}
