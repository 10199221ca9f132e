import { where } from '../../tensor/ops/comparison.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, inputOf, type Rule } from '../forward-node.ts'
import { knownRank, onesLike, summedOver } from '../shapes.ts'
import { positionsAlong } from './selection.ts'

/** With an axis for the classes, of length 1. */
function withClasses(tensor: Tensor, rank: number): Tensor {
  const dims = new Array<undefined>(rank).fill(undefined)
  return recordOne('Unsqueeze', [tensor, int64Constant([1])], { type: tensor.type, dims })
}

interface Targets {
  /** 1 for each sample's class, 0 for others. */
  readonly chosen: Tensor
  /** The gradient of each sample's loss, by its weight. */
  readonly gradient: Tensor
}

/** What arrives at the loss of each sample: by its class's weight, nothing if it is ignored, and a share of a mean. */
function targetsOf(node: ForwardNode, arriving: Tensor): Targets {
  const { attributes, inputs } = node
  const scores = inputOf(node, 0)
  const rank = knownRank(scores, node.opType)
  const labels = withClasses(castTo(inputOf(node, 1), 'int64'), rank)
  const chosen = castTo(labels.eq(positionsAlong(scores, 1, rank)), scores.type)
  const weights = inputs[2]?.tensor
  const after = int64Constant(Array.from({ length: rank - 2 }, (_, i) => i + 1))
  const byClass = weights && recordOne('Unsqueeze', [weights, after], { type: weights.type, dims: ranked(rank - 1) })
  const own = byClass ? summedOver(chosen.mul(byClass), [1], true) : onesLike(labels, scores.type)
  const counted = attributes.has('ignore_index') ? where(labels.eq(attributes.int('ignore_index', 0)), 0, own) : own
  const reduction = attributes.text('reduction') || 'mean'
  if (reduction === 'none') return { chosen, gradient: counted.mul(withClasses(arriving, rank)) }
  return { chosen, gradient: counted.mul(reduction === 'sum' ? arriving : arriving.div(counted.sum())) }
}

const ranked = (rank: number): undefined[] => new Array<undefined>(rank).fill(undefined)

/** Losses, by operator. */
export const lossRules: Readonly<Record<string, Rule>> = {
  /** −w·x at the class of each sample. */
  NegativeLogLikelihoodLoss: node => [
    () => {
      const { chosen, gradient } = targetsOf(node, node.gradients[0]!)
      return chosen.mul(gradient).neg()
    },
    undefined,
  ],
  /** (softmax x − 1 at the class)·w, and ∂ log p − softmax x·Σ ∂ log p for the second result. */
  SoftmaxCrossEntropyLoss: node => [
    () => {
      const scores = inputOf(node, 0)
      const probability = recordOne(
        'Softmax',
        [scores],
        { type: scores.type, dims: dimsOf(scores) },
        { axis: { int: 1 } },
      )
      const [loss, logarithms] = node.gradients
      const byLogarithms = logarithms?.sub(probability.mul(summedOver(logarithms, [1], true)))
      if (!loss) return byLogarithms!
      const { chosen, gradient } = targetsOf(node, loss)
      const byLoss = probability.sub(chosen).mul(gradient)
      return byLogarithms ? byLoss.add(byLogarithms) : byLoss
    },
    undefined,
  ],
}
