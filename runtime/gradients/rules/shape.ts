import { isFloat } from '../../tensor/dtypes/dtype.ts'
import { extentOf } from '../../tensor/ops/support/extent.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, type ForwardValue, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { reshapedLike, summed, zerosLike } from '../shapes.ts'

const likeInput: Rule = node => [() => reshapedLike(gradientOf(node), inputOf(node, 0)), undefined]

/** The rule of Concat: each input gets its part of the gradient, which starts at the sum of the lengths of the inputs before it. */
const concat: Rule = node => {
  const axis = node.attributes.int('axis', 0)
  const inputs = node.inputs as readonly ForwardValue[]
  const axes = int64Constant([axis])
  const add = (a: Tensor, b: Tensor): Tensor => recordOne('Add', [a, b], { type: 'int64', dims: [1] })
  return inputs.map((input, i) => () => {
    const gradient = gradientOf(node)
    const before = inputs.slice(0, i).map(({ tensor }) => extentOf(tensor, axis))
    const start = before.length === 0 ? int64Constant([0]) : before.reduce(add)
    const end = add(start, extentOf(input.tensor, axis))
    return recordOne('Slice', [gradient, start, end, axes], { type: gradient.type, dims: dimsOf(input.tensor) })
  })
}

/** The rule of Split: joins the gradients of the parts, with zeros for parts without a gradient. */
const split: Rule = node => [
  () => {
    const x = inputOf(node, 0)
    const { type } = node.gradients.find(gradient => gradient)!
    const parts = node.outputs.flatMap((output, i) =>
      output ? [node.gradients[i] ?? zerosLike(output.tensor, type)] : [],
    )
    const axis = { int: node.attributes.int('axis', 0) }
    return recordOne('Concat', parts, { type, dims: dimsOf(x) }, { axis })
  },
  undefined,
]

/** The gradient of a quantised value stays floating point. */
const cast: Rule = node => [
  () => {
    const { type } = inputOf(node, 0)
    return isFloat(type) ? castTo(gradientOf(node), type) : gradientOf(node)
  },
  undefined,
]

const transpose: Rule = node => [
  () => {
    const gradient = gradientOf(node)
    const perm = node.attributes.ints('perm')
    const back = perm?.map((_, axis) => perm.indexOf(axis))
    const dims = dimsOf(inputOf(node, 0))
    return recordOne('Transpose', [gradient], { type: gradient.type, dims }, back ? { perm: { ints: back } } : {})
  },
]

/** The rule of Expand: sums over the axes along which the input was repeated. */
const expand: Rule = node => [() => summed(gradientOf(node), node.outputs[0]?.named, node.inputs[0]!), undefined]

/** The rule of Tile: reshapes the gradient so that the repeats of each axis get an axis of their own, and sums over these. */
const tile: Rule = node => [
  () => {
    const x = inputOf(node, 0)
    const rank = dimsOf(x)?.length
    if (rank === undefined) throw new Error('The rank of a Tile is not known.')
    const gradient = gradientOf(node)
    const repeats = inputOf(node, 1)
    const at = (axis: number): Tensor =>
      recordOne('Slice', [repeats, int64Constant([axis]), int64Constant([axis + 1])], { type: 'int64', dims: [1] })
    const parts = Array.from({ length: rank }, (_, axis) => [at(axis), extentOf(x, axis)]).flat()
    if (parts.length === 0) return gradient
    const shape = recordOne('Concat', parts, { type: 'int64', dims: [parts.length] }, { axis: { int: 0 } })
    const apart = recordOne('Reshape', [gradient, shape], {
      type: gradient.type,
      dims: parts.map(() => undefined),
    })
    const axes = int64Constant(Array.from({ length: rank }, (_, axis) => 2 * axis))
    return recordOne('ReduceSum', [apart, axes], { type: gradient.type, dims: dimsOf(x) }, { keepdims: { int: 0 } })
  },
  undefined,
]

/** The rules of operators that only move, repeat, drop or cast elements. */
export const shapeRules: Readonly<Record<string, Rule>> = {
  Reshape: likeInput,
  Flatten: likeInput,
  Squeeze: likeInput,
  Unsqueeze: likeInput,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Concat: concat,
  Split: split,
  Cast: cast,
  CastLike: cast,
  Trilu: node => [() => triangle(node), undefined],
}

function triangle(node: ForwardNode): Tensor {
  const gradient = gradientOf(node)
  const upper = { int: node.attributes.int('upper', 1) }
  const inputs = node.inputs[1] ? [gradient, node.inputs[1].tensor] : [gradient]
  return recordOne('Trilu', inputs, { type: gradient.type, dims: dimsOf(gradient) }, { upper })
}
