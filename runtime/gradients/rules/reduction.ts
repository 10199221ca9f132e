import { where } from '../../tensor/ops/comparison.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { expandedLike } from '../shapes.ts'

/** The axes of a reduction, which are an attribute in old opsets and an input in new ones; undefined means all axes. */
function axesOf({ attributes, inputs }: ForwardNode): Tensor | undefined {
  const axes = attributes.ints('axes')
  return axes ? int64Constant(axes) : inputs[1]?.tensor
}

/** Adds an axis of length 1 for each reduced axis to a value that has the result's dims. */
function withAxes(value: Tensor, node: ForwardNode): Tensor {
  const axes = axesOf(node)
  if (!axes || node.attributes.int('keepdims', 1) === 1) return value
  const rank = dimsOf(inputOf(node, 0))?.length
  const dims = rank === undefined ? undefined : new Array<undefined>(rank).fill(undefined)
  return recordOne('Unsqueeze', [value, axes], { type: value.type, dims })
}

/** Whether each element is reduced by itself: the node has no axes, and takes that to mean none. */
function reducesNothing(node: ForwardNode): boolean {
  const axes = node.inputs[1]
  return node.attributes.int('noop_with_empty_axes', 0) === 1 && (!axes || dimsOf(axes.tensor)?.[0] === 0)
}

type Reduced = (x: Tensor, y: Tensor, gradient: Tensor, node: ForwardNode) => Tensor

/** The rule of a reduction. `derivative` gets the result and its gradient with reduced axes kept as axes of length 1. */
const reduction =
  (derivative: Reduced): Rule =>
  node => [
    () => {
      const [x, y, gradient] = [inputOf(node, 0), resultOf(node), gradientOf(node)]
      return reducesNothing(node)
        ? derivative(x, y, gradient, node)
        : derivative(x, withAxes(y, node), withAxes(gradient, node), node)
    },
  ]

/** The same for a reduction that gives one element back as it is. */
const selecting = (derivative: Reduced): Rule =>
  reduction((x, y, gradient, node) => (reducesNothing(node) ? gradient : derivative(x, y, gradient, node)))

/** How many elements of x are reduced to one element of y, in the dtype of x. */
function countOf(x: Tensor, y: Tensor): Tensor {
  const size = (tensor: Tensor): Tensor => castTo(recordOne('Size', [tensor], { type: 'int64', dims: [] }), x.type)
  return size(x).div(size(y))
}

/** The rule of ReduceMax and ReduceMin. Elements that are equally the largest or smallest share the gradient. */
const extreme: Rule = selecting((x, y, gradient, node) => {
  const chosen = castTo(x.eq(y), x.type)
  const axes = axesOf(node)
  const count = recordOne(
    'ReduceSum',
    axes ? [chosen, axes] : [chosen],
    { type: x.type, dims: dimsOf(x)?.map(() => undefined) },
    { keepdims: { int: 1 } },
  )
  return chosen.mul(gradient.div(count))
})

/** The rules of operators that reduce along axes, and of CumSum. */
export const reductionRules: Readonly<Record<string, Rule>> = {
  ReduceSum: reduction((x, _, gradient) => expandedLike(gradient, x)),
  ReduceMean: reduction((x, y, gradient) => expandedLike(gradient.div(countOf(x, y)), x)),
  ReduceSumSquare: reduction((x, _, gradient) => gradient.mul(x).mul(2)),
  ReduceL1: reduction((x, _, gradient) => gradient.mul(x.sign())),
  ReduceL2: reduction((x, y, gradient) => where(y.eq(0), x.mul(0), gradient.mul(x).div(y))),
  ReduceLogSum: reduction((x, y, gradient) => expandedLike(gradient.div(y.exp()), x)),
  ReduceLogSumExp: reduction((x, y, gradient) => gradient.mul(x.sub(y).exp())),
  ReduceMax: extreme,
  ReduceMin: extreme,
  // The product of the other elements is y / x. Where x is 0, it is the product without zeros, or 0 if there is another zero.
  ReduceProd: selecting((x, y, gradient, node) => {
    const axes = axesOf(node)
    const along = (opType: string, tensor: Tensor): Tensor =>
      recordOne(
        opType,
        axes ? [tensor, axes] : [tensor],
        { type: x.type, dims: dimsOf(x)?.map(() => undefined) },
        { keepdims: { int: 1 } },
      )
    const isZero = x.eq(0)
    const zeros = along('ReduceSum', castTo(isZero, x.type))
    const others = along('ReduceProd', where(isZero, 1, x))
    const atZero = where(zeros.eq(1), others, others.mul(0))
    return gradient.mul(where(isZero, atZero, y.div(where(isZero, 1, x))))
  }),
  /** The gradient's cumulative sum in the other direction. */
  CumSum: node => [
    () => {
      const { attributes } = node
      const gradient = gradientOf(node)
      return recordOne(
        'CumSum',
        [gradient, inputOf(node, 1)],
        { type: gradient.type, dims: dimsOf(gradient) },
        { exclusive: { int: attributes.int('exclusive', 0) }, reverse: { int: 1 - attributes.int('reverse', 0) } },
      )
    },
    undefined,
  ],
}
