import type { Attributes } from '../../graph/expression.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { joined, knownRank, reshapedLike, shapeOf, transposed } from '../shapes.ts'
import { numbersOf, putBack } from './selection.ts'

/** What is cut off where something was added, and 0 where something was cut off: a Pad by −pads. Other modes copy elements of x. */
const pad: Rule = node => {
  const { attributes, inputs } = node
  const x = inputOf(node, 0)
  const mode = attributes.text('mode') || 'constant'
  const given = attributes.ints('pads')
  const pads = given ? int64Constant(given) : inputOf(node, 1)
  const axes = inputs[3]?.tensor
  const padded = (tensor: Tensor, by: Tensor, dims: ReturnType<typeof dimsOf>): Tensor =>
    recordOne(
      'Pad',
      axes ? [tensor, by, undefined, axes] : [tensor, by],
      { type: tensor.type, dims },
      {
        mode: { string: mode },
      },
    )
  const byX = (): Tensor => {
    const gradient = gradientOf(node)
    if (mode === 'constant')
      return padded(gradient, recordOne('Neg', [pads], { type: 'int64', dims: dimsOf(pads) }), dimsOf(x))
    return putBack(node, padded(numbersOf(x), pads, dimsOf(gradient)), { reduction: { string: 'add' } })
  }
  return [byX, undefined, inputs[2] && (() => reshapedLike(gradientOf(node).sum().sub(byX().sum()), inputOf(node, 2)))]
}

/** SpaceToDepth puts the place in a block before the channel, as DepthToSpace in mode DCR has it. In CRD the channel comes first. */
const depthToSpace: Rule = node => [
  () => {
    const x = inputOf(node, 0)
    const gradient = gradientOf(node)
    const block = node.attributes.int('blocksize', 1)
    const blocksize = { blocksize: { int: block } }
    const deep = recordOne('SpaceToDepth', [gradient], { type: gradient.type, dims: dimsOf(x) }, blocksize)
    if (node.attributes.text('mode') !== 'CRD') return deep
    const flat = recordOne('Reshape', [deep, int64Constant([0, block * block, -1])], {
      type: gradient.type,
      dims: [undefined, block * block, undefined],
    })
    const apart = recordOne('Reshape', [flat, joined([int64Constant([0, block * block, -1]), areaOf(deep)])], {
      type: gradient.type,
      dims: [undefined, block * block, undefined, undefined],
    })
    return reshapedLike(transposed(apart, [0, 2, 1, 3]), x)
  },
]

/** The number of places of each channel, as a vector of one element. */
function areaOf(tensor: Tensor): Tensor {
  const places = recordOne('Slice', [shapeOf(tensor), int64Constant([2]), int64Constant([4])], {
    type: 'int64',
    dims: [2],
  })
  return recordOne('ReduceProd', [places, int64Constant([0])], { type: 'int64', dims: [1] }, { keepdims: { int: 1 } })
}

const spaceToDepth: Rule = node => [
  () => {
    const gradient = gradientOf(node)
    const blocksize = { blocksize: { int: node.attributes.int('blocksize', 1) } }
    return recordOne('DepthToSpace', [gradient], { type: gradient.type, dims: dimsOf(inputOf(node, 0)) }, blocksize)
  },
]

/** A resize is a matrix for each axis, y = R·x: what the resize makes of the unit matrix. So ∂x = Rᵀ·∂y, axis by axis. */
const resize: Rule = node => {
  const { attributes, inputs, outputs } = node
  const policy = attributes.text('keep_aspect_ratio_policy')
  const isCropped = attributes.text('coordinate_transformation_mode') === 'tf_crop_and_resize'
  if (isCropped || (policy && policy !== 'stretch')) return []
  return [
    () => {
      const x = inputOf(node, 0)
      const rank = knownRank(x, node.opType)
      const [before, after] = [inputs[0]?.named, outputs[0]?.named]
      const resized = axesOf(node, rank)
      const axes = resized.filter(axis => before?.[axis] === undefined || before[axis] !== after?.[axis])
      return axes.reduce(
        (gradient, axis) => alongAxis(gradient, resizeMatrix(node, axis, rank), axis, x),
        gradientOf(node),
      )
    },
  ]
}

/** The axes that the node names, from the front, or all. */
function axesOf({ attributes }: ForwardNode, rank: number): readonly number[] {
  const axes = attributes.ints('axes') ?? Array.from({ length: rank }, (_, axis) => axis)
  return axes.map(axis => (axis < 0 ? axis + rank : axis))
}

function alongAxis(gradient: Tensor, matrix: Tensor, axis: number, x: Tensor): Tensor {
  const rank = dimsOf(x)!.length
  const last = Array.from({ length: rank }, (_, i) => i).filter(i => i !== axis)
  const front = transposed(gradient, [...last, axis])
  const dims = [...dimsOf(front)!.slice(0, -1), dimsOf(x)![axis]]
  const result = recordOne('MatMul', [front, castTo(matrix, gradient.type)], { type: gradient.type, dims })
  return transposed(
    result,
    [...last.slice(0, axis), rank - 1, ...last.slice(axis)].map((_, i) =>
      i < axis ? i : i === axis ? rank - 1 : i - 1,
    ),
  )
}

/** The matrix of the resize along an axis. */
function resizeMatrix(node: ForwardNode, axis: number, rank: number): Tensor {
  const { attributes, inputs, opset, opType } = node
  const isOld = opType === 'Upsample' || opset < 11
  const vector = (tensor: Tensor, at: number): Tensor =>
    recordOne('Slice', [tensor, int64Constant([at]), int64Constant([at + 1])], { type: tensor.type, dims: [1] })
  const length = vector(shapeOf(inputOf(node, 0)), axis)
  const square = joined([length, length])
  const floats = { type: 'float32' as const, dims: [undefined, undefined] }
  const zeros = recordOne('Expand', [castTo(int64Constant([0], []), 'float32'), square], floats)
  const unit = recordOne('EyeLike', [zeros], floats)
  const scales = attributes.floats('scales')
  const given = scales ? undefined : inputs[isOld ? 1 : 2]
  const at = axesOf(node, rank).indexOf(axis)
  const hasScales = given && dimsOf(given.tensor)?.[0] !== 0
  if (!hasScales && !scales) {
    const sizes = joined([vector(inputOf(node, 3), at), length])
    return recordOne('Resize', [unit, undefined, undefined, sizes], floats, resizeAttributes(node, isOld))
  }
  const one = castTo(int64Constant([1]), 'float32')
  const scale = given ? vector(given.tensor, at) : one.mul(scales![at])
  const both = recordOne('Concat', [scale, one], { type: 'float32', dims: [2] }, { axis: { int: 0 } })
  return recordOne('Resize', [unit, undefined, both], floats, resizeAttributes(node, isOld))
}

/** Before opset 11 positions were not moved by half an element. */
function resizeAttributes({ attributes }: ForwardNode, isOld: boolean): Attributes {
  const mode = { mode: { string: attributes.text('mode') || 'nearest' } }
  if (isOld)
    return { ...mode, coordinate_transformation_mode: { string: 'asymmetric' }, nearest_mode: { string: 'floor' } }
  const texts = ['coordinate_transformation_mode', 'nearest_mode'].filter(name => attributes.has(name))
  const ints = ['exclude_outside', 'antialias'].filter(name => attributes.has(name))
  return {
    ...mode,
    ...Object.fromEntries(texts.map(name => [name, { string: attributes.text(name) }])),
    ...Object.fromEntries(ints.map(name => [name, { int: attributes.int(name, 0) }])),
    cubic_coeff_a: { float: attributes.float('cubic_coeff_a', -0.75) },
  }
}

/** Padding, blocks and resizing, by operator. */
export const spaceRules: Readonly<Record<string, Rule>> = {
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Upsample: resize,
}
