import type { Attributes } from '../../graph/expression.ts'
import { where } from '../../tensor/ops/comparison.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { onesLike, zerosLike } from '../shapes.ts'

/** ScatterND and ScatterElements put updates into places of x, each in its own way. */
interface Places {
  /** x with the updates put in. */
  put(x: Tensor, updates: Tensor, reduction?: string): Tensor
  /** The elements at the places of the updates. */
  take(x: Tensor): Tensor
}

function placesOf(node: ForwardNode): Places {
  const { opType, attributes } = node
  const [index, updates] = [inputOf(node, 1), inputOf(node, 2)]
  const axis: Attributes = opType === 'ScatterND' ? {} : { axis: { int: attributes.int('axis', 0) } }
  return {
    put: (x, values, reduction) =>
      recordOne(
        opType === 'Scatter' ? 'ScatterElements' : opType,
        [x, index, values],
        { type: x.type, dims: dimsOf(x) },
        reduction ? { ...axis, reduction: { string: reduction } } : axis,
      ),
    take: x =>
      recordOne(
        opType === 'ScatterND' ? 'GatherND' : 'GatherElements',
        [x, index],
        { type: x.type, dims: dimsOf(updates) },
        axis,
      ),
  }
}

/** What was written over gets nothing, and what was written gets the gradient of its place. With sums, both get it. */
const scatter: Rule = node => {
  const { put, take } = placesOf(node)
  const reduction = node.attributes.text('reduction')
  if (reduction === 'mul') return products(node)
  if (reduction === 'max' || reduction === 'min') return extremes(node)
  const updates = inputOf(node, 2)
  return [
    () => (reduction === 'add' ? gradientOf(node) : put(gradientOf(node), zerosLike(updates, gradientOf(node).type))),
    undefined,
    () => take(gradientOf(node)),
  ]
}

/** The gradient is shared between the element and the updates that are the largest, or the smallest, as PyTorch shares it. */
function extremes(node: ForwardNode): ReturnType<Rule> {
  const { put, take } = placesOf(node)
  const [x, updates, y] = [inputOf(node, 0), inputOf(node, 2), resultOf(node)]
  const isChosen = castTo(x.eq(y), y.type)
  const areChosen = castTo(updates.eq(take(y)), y.type)
  const share = (): Tensor => gradientOf(node).div(put(isChosen, areChosen, 'add'))
  return [() => isChosen.mul(share()), undefined, () => areChosen.mul(take(share()))]
}

/** Each factor gets the product of the others: y / u, or where u is 0 the product without the zeros, if u is the only one. */
function products(node: ForwardNode): ReturnType<Rule> {
  const { put, take } = placesOf(node)
  const [x, updates, y] = [inputOf(node, 0), inputOf(node, 2), resultOf(node)]
  const filled = (tensor: Tensor): Tensor => where(tensor.eq(0), 1, tensor)
  const byUpdates = (): Tensor => {
    const zeros = put(castTo(x.eq(0), y.type), castTo(updates.eq(0), y.type), 'add')
    const others = where(zeros.eq(1), put(filled(x), filled(updates), 'mul'), 0)
    const factors = where(updates.eq(0), take(others), take(y).div(filled(updates)))
    return take(gradientOf(node)).mul(factors)
  }
  return [() => gradientOf(node).mul(put(onesLike(x), updates, 'mul')), undefined, byUpdates]
}

/** Updates that are put into a tensor, by operator. */
export const scatterRules: Readonly<Record<string, Rule>> = {
  Scatter: scatter,
  ScatterND: scatter,
  ScatterElements: scatter,
}
