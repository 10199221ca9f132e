import { where } from '../../tensor/ops/comparison.ts'
import { extentOf } from '../../tensor/ops/support/extent.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, type ForwardValue, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { joined, knownRank, reshaped, summed, summedOver, zerosLike } from '../shapes.ts'
import { binaryRules } from './binary.ts'
import { convolutionRules } from './convolution.ts'
import { normalisationRules } from './normalisation.ts'
import { poolingRules } from './pooling.ts'
import { productRules } from './product.ts'
import { shapeRules } from './shape.ts'
import { unaryRules } from './unary.ts'

/*
 * Rounding has the gradient of the identity here, straight through (Bengio et al. 2013, arXiv:1308.3432), and what is clipped has none. The
 * gradient of a quantised value is that of the real number q, and is floating point.
 */

const BOUNDS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  uint4: [0, 15],
  int4: [-8, 7],
}

/** A scale or a zero point, with one element or one for each index of an axis, as float32 that broadcasts with the value. */
function alongAxis(parameter: Tensor, of: ForwardValue, axis: number): Tensor {
  const wide = castTo(parameter, 'float32')
  const rank = of.named?.length
  if (dimsOf(parameter)?.length !== 1 || rank === undefined) return wide
  const after = rank - 1 - (axis < 0 ? axis + rank : axis)
  if (after === 0 || dimsOf(parameter)?.[0] === 1) return wide
  const axes = Array.from({ length: after }, (_, i) => i + 1)
  const dims = [dimsOf(parameter)?.[0], ...axes.map(() => 1)]
  return recordOne('Unsqueeze', [wide, int64Constant(axes)], { type: 'float32', dims })
}

/** How scales and zero points belong to the values: one for all or for each index of `axis`; or one for each `block` values along it, if not 0. */
interface Sharing {
  readonly axis: number
  readonly block: number
}

const sharingOf = ({ attributes }: ForwardNode): Sharing => ({
  axis: attributes.int('axis', 1),
  block: attributes.int('block_size', 0),
})

/** A scale or a zero point, as float32 that broadcasts with the value. */
function spread(parameter: Tensor, of: ForwardValue, { axis, block }: Sharing): Tensor {
  if (block === 0) return alongAxis(parameter, of, axis)
  const dims = dimsOf(of.tensor)
  const [zero, count, one] = [int64Constant([0], []), extent(of.tensor, axis), int64Constant([1], [])]
  const positions = recordOne('Range', [zero, count, one], { type: 'int64', dims: [dims?.at(axis)] })
  const blocks = positions.floorDivide(block)
  return recordOne('Gather', [castTo(parameter, 'float32'), blocks], { type: 'float32', dims }, { axis: { int: axis } })
}

/** The length of an axis, as a scalar. */
function extent(tensor: Tensor, axis: number): Tensor {
  return recordOne('Squeeze', [extentOf(tensor, axis), int64Constant([0])], { type: 'int64', dims: [] })
}

/** y = x/s + z, rounded: ∂x = ∂y/s and ∂s = −Σ ∂y·x/s², where y is within its bounds (Esser et al. 2020, arXiv:1902.08153). */
const quantizeLinear: Rule = node => {
  const { inputs, outputs } = node
  const result = outputs[0]!
  const bounds = BOUNDS[result.tensor.type]
  if (!bounds) return []
  const sharing = sharingOf(node)
  const x = castTo(inputOf(node, 0), 'float32')
  const scale = spread(inputOf(node, 1), inputs[0]!, sharing)
  const ratio = x.div(scale)
  const moved = inputs[2] ? ratio.add(spread(inputs[2].tensor, inputs[0]!, sharing)) : ratio
  const [least, most] = bounds
  const isWithin = moved.ge(least - 0.5).and(moved.le(most + 0.5))
  const arriving = (): Tensor => where(isWithin, gradientOf(node), 0).div(scale)
  return [
    () => castTo(arriving(), inputOf(node, 0).type),
    () => parameterGradient(arriving().mul(ratio).neg(), node, sharing),
    undefined,
  ]
}

/** y = (q − z)·s: ∂q = ∂y·s and ∂s = Σ ∂y·(q − z). */
const dequantizeLinear: Rule = node => {
  const { inputs } = node
  const sharing = sharingOf(node)
  const own = inputs[0]!
  const gradient = castTo(gradientOf(node), 'float32')
  const q = castTo(own.tensor, 'float32')
  const centred = (): Tensor => (inputs[2] ? q.sub(spread(inputs[2].tensor, own, sharing)) : q)
  return [
    () => gradient.mul(spread(inputOf(node, 1), own, sharing)),
    () => parameterGradient(gradient.mul(centred()), node, sharing),
    undefined,
  ]
}

/** The sum over all elements that share a scale. */
function parameterGradient(gradient: Tensor, node: ForwardNode, { axis, block }: Sharing): Tensor {
  const scale = node.inputs[1]!
  const named = node.inputs[0]?.named
  const { type } = scale.tensor
  if (block > 0) return castTo(blockSums(gradient, scale.tensor, axis, block), type)
  if (scale.named?.length !== 1 || !named || scale.named[0] === 1)
    return castTo(summed(gradient, undefined, scale), type)
  const at = axis < 0 ? axis + named.length : axis
  const others = named.flatMap((_, i) => (i === at ? [] : [i]))
  const result = { type: gradient.type, dims: dimsOf(scale.tensor) }
  return castTo(recordOne('ReduceSum', [gradient, int64Constant(others)], result, { keepdims: { int: 0 } }), type)
}

/** The sums over blocks along an axis, with the dims of the scale. The last block may be shorter, and is filled with zeros. */
function blockSums(gradient: Tensor, scale: Tensor, axis: number, block: number): Tensor {
  const rank = knownRank(scale, 'a quantiser with blocks')
  const at = axis < 0 ? axis + rank : axis
  const missing = extentOf(scale, at).mul(block).sub(extentOf(gradient, at))
  const zeros = (count: number): Tensor[] => (count > 0 ? [int64Constant(new Array<number>(count).fill(0))] : [])
  const type = gradient.type
  const pads = joined([...zeros(rank + at), missing, ...zeros(rank - 1 - at)])
  const filled = recordOne('Pad', [gradient, pads], { type, dims: new Array<undefined>(rank).fill(undefined) })
  const own = dimsOf(scale)!
  const shape = joined(
    [...own.keys()].flatMap(i => [extentOf(scale, i), ...(i === at ? [int64Constant([block])] : [])]),
  )
  const blocks = reshaped(filled, shape, own.toSpliced(at + 1, 0, block))
  return summedOver(blocks, [at + 1], false)
}

/** ∂x = ∂y/s. The scale is a result too, and counts as a constant. */
const dynamicQuantizeLinear: Rule = node => [
  () => {
    const [gradient] = node.gradients
    const x = inputOf(node, 0)
    return gradient && node.outputs[1] ? gradient.div(node.outputs[1].tensor) : zerosLike(x)
  },
]

/** Where the parts of a quantised value are among a node's inputs: (q − zero)·scale. Without `scale` the value is q − zero. */
interface Parts {
  readonly q: number
  readonly scale?: number
  readonly zero?: number
  /** The axis along which scale and zero point lie. */
  readonly axis?: number
}

interface Form {
  readonly rule: Rule
  readonly inputs: readonly Parts[]
  /** Where the scale and the zero point of the result are. Without them the result is not quantised again. */
  readonly result?: { readonly scale: number; readonly zero?: number }
  /** An input that is added to the result as it is. */
  readonly bias?: number
}

/** The rule of an operator on quantised values: that of the operator on the real values that they stand for. */
const onRealValues =
  (formOf: (node: ForwardNode) => Form | undefined): Rule =>
  node => {
    const form = formOf(node)
    if (!form) return []
    const { rule, inputs, bias } = form
    const at = (index: number | undefined): Tensor | undefined =>
      index === undefined ? undefined : node.inputs[index]?.tensor
    const scaleOf = ({ q, scale, axis = 0 }: Parts): Tensor | undefined => {
      const own = at(scale)
      return own && alongAxis(own, node.inputs[q]!, axis)
    }
    const real = (parts: Parts): ForwardValue => {
      const value = node.inputs[parts.q]!
      const zero = at(parts.zero)
      const wide = castTo(value.tensor, 'float32')
      const centred = zero ? wide.sub(alongAxis(zero, value, parts.axis ?? 0)) : wide
      const scale = scaleOf(parts)
      return { tensor: scale ? centred.mul(scale) : centred, named: value.named }
    }
    const back = backToReal(node, form)
    const plain = rule({ ...node, inputs: inputs.map(real), outputs: [back.result], gradients: [back.gradient] })
    const gradients: ((() => Tensor) | undefined)[] = node.inputs.map(() => undefined)
    inputs.forEach((parts, i) => {
      const part = plain[i]
      const scale = scaleOf(parts)
      gradients[parts.q] = part && (() => (scale ? part().mul(scale) : part()))
    })
    if (bias !== undefined && node.inputs[bias])
      gradients[bias] = () => summed(gradientOf(node), node.outputs[0]?.named, node.inputs[bias]!)
    return gradients
  }

/** The result and its gradient as real numbers. A result at the end of its range was clipped, or a fused Relu cut it. */
function backToReal(node: ForwardNode, { result }: Form): { result: ForwardValue; gradient: Tensor } {
  const y = node.outputs[0]!
  const gradient = gradientOf(node)
  const scale = result && node.inputs[result.scale]?.tensor
  if (!scale) return { result: y, gradient }
  const [least, most] = BOUNDS[y.tensor.type] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  const q = castTo(y.tensor, 'float32')
  const zero = result.zero === undefined ? undefined : node.inputs[result.zero]?.tensor
  const centred = zero ? q.sub(castTo(zero, 'float32')) : q
  const passing = where(q.gt(least).and(q.lt(most)), gradient, 0)
  return { result: { tensor: centred.mul(scale), named: y.named }, gradient: passing.div(scale) }
}

/** A product of integers, and a convolution: x, w and their zero points. */
const ofIntegers = (rule: Rule, axis: number): Rule =>
  onRealValues(() => ({
    rule,
    inputs: [
      { q: 0, zero: 2 },
      { q: 1, zero: 3, axis },
    ],
  }))

/** a, its scale and zero point, the same of b, and the result's scale and zero point. */
const ofTwo = (rule: Rule, axis = -1): Rule =>
  onRealValues(() => ({
    rule,
    inputs: [
      { q: 0, scale: 1, zero: 2, axis: -2 },
      { q: 3, scale: 4, zero: 5, axis },
    ],
    result: { scale: 6, zero: 7 },
  }))

const ofOne = (rule: Rule): Rule =>
  onRealValues(({ attributes }) =>
    attributes.int('channels_last', 0) === 1
      ? undefined
      : { rule, inputs: [{ q: 0, scale: 1, zero: 2 }], result: { scale: 3, zero: 4 } },
  )

const { MatMul, Gemm } = productRules
const { Conv } = convolutionRules

/** From x, as the result is rounded. */
const exactSigmoid: Rule = node => [
  () => {
    const y = inputOf(node, 0).sigmoid()
    return gradientOf(node).mul(y).mul(y.rsub(1))
  },
]

/** From x too. Before opset 13 a Softmax normalises over several axes. */
const exactSoftmax: Rule = node => {
  const [x] = node.inputs
  const axis = node.attributes.int('axis', -1)
  const isLast = axis === -1 || axis + 1 === x?.named?.length
  if (!x || (!isLast && node.attributes.int('opset', 0) < 13)) return []
  const y = { ...x, tensor: x.tensor.softmax(axis) }
  return normalisationRules.Softmax({ ...node, opset: 13, outputs: [y] })
}

/** Quantisers, and operators on quantised values, by name. */
export const quantisedRules: Readonly<Record<string, Rule>> = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: ofIntegers(MatMul, -1),
  ConvInteger: ofIntegers(Conv, 0),
  QLinearMatMul: ofTwo(MatMul),
  QLinearConv: ofTwo(Conv, 0),
  QLinearAdd: ofTwo(binaryRules.Add),
  QLinearMul: ofTwo(binaryRules.Mul),
  QLinearSigmoid: ofOne(exactSigmoid),
  QLinearSoftmax: ofOne(exactSoftmax),
  QLinearLeakyRelu: ofOne(unaryRules.LeakyRelu),
  QLinearAveragePool: ofOne(poolingRules.AveragePool),
  QLinearGlobalAveragePool: ofOne(poolingRules.GlobalAveragePool),
  MatMulIntegerToFloat: onRealValues(() => ({
    rule: MatMul,
    inputs: [
      { q: 0, scale: 2, zero: 4, axis: -2 },
      { q: 1, scale: 3, zero: 5, axis: -1 },
    ],
    bias: 6,
  })),
  DynamicQuantizeMatMul: onRealValues(() => ({
    rule: MatMul,
    inputs: [{ q: 0 }, { q: 1, scale: 2, zero: 3, axis: -1 }],
    bias: 4,
  })),
  QGemm: onRealValues(({ attributes }) => ({
    rule: Gemm,
    inputs: [
      { q: 0, scale: 1, zero: 2, axis: -2 },
      { q: 3, scale: 4, zero: 5, axis: attributes.int('transB', 0) === 1 ? 0 : -1 },
    ],
    result: { scale: 7, zero: 8 },
  })),
  /** The result's scale and zero point, and then each input with its own. */
  QLinearConcat: onRealValues(({ inputs }) => ({
    rule: shapeRules.Concat,
    inputs: Array.from({ length: (inputs.length - 2) / 3 }, (_, i) => ({
      q: 3 * i + 2,
      scale: 3 * i + 3,
      zero: 3 * i + 4,
    })),
    result: { scale: 0, zero: 1 },
  })),
}

/** Operators whose first result is quantised, and carries a gradient though it holds integers. */
const QUANTISERS: ReadonlySet<string> = new Set(
  Object.keys(quantisedRules).filter(name => name !== 'DequantizeLinear' && name !== 'MatMulIntegerToFloat'),
)

/** Operators that only move elements of their inputs, of quantised ones too. */
const MOVERS = new Set(
  'Identity Reshape Flatten Squeeze Unsqueeze Transpose Expand Tile Concat Slice Gather Pad MaxPool Resize Upsample DepthToSpace SpaceToDepth'.split(
    ' ',
  ),
)

/** Whether result `output` of an operator holds integers that stand for real numbers, if those that it reads do. */
export const carriesGradient = (opType: string, output: number): boolean =>
  opType === 'Split' || (output === 0 && (QUANTISERS.has(opType) || MOVERS.has(opType)))
