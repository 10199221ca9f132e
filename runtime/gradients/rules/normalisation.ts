import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { summed } from '../shapes.ts'

/** Sums or averages over axes, which may be negative, and keeps them with length 1. */
export function along(
  opType: 'ReduceSum' | 'ReduceMean' | 'ReduceL1' | 'ReduceL2',
  tensor: Tensor,
  axes: readonly number[],
): Tensor {
  const dims = dimsOf(tensor)
  const left = dims?.map((dim, i) => (axes.includes(i - dims.length) || axes.includes(i) ? 1 : dim))
  return recordOne(opType, [tensor, int64Constant(axes)], { type: tensor.type, dims: left }, { keepdims: { int: 1 } })
}

/** The axes of a Softmax. Before opset 13 it normalises over its axis and all axes after it together, and the default axis is 1. */
function softmaxAxes({ attributes, opset, outputs }: ForwardNode): readonly number[] {
  const axis = attributes.int('axis', opset < 13 ? 1 : -1)
  const rank = outputs[0]?.named?.length
  if (opset >= 13 || axis === -1) return [axis]
  if (rank === undefined) throw new Error('The rank of a softmax is not known.')
  const first = axis < 0 ? axis + rank : axis
  return Array.from({ length: rank - first }, (_, i) => first + i)
}

/** The rule of Softmax: y·(∂y − Σ ∂y·y). */
const softmax: Rule = node => [
  () => {
    const y = resultOf(node)
    const weighted = gradientOf(node).mul(y)
    return weighted.sub(y.mul(along('ReduceSum', weighted, softmaxAxes(node))))
  },
]

/** The rule of LogSoftmax: ∂y − softmax(x)·Σ ∂y. */
const logSoftmax: Rule = node => [
  () => {
    const gradient = gradientOf(node)
    return gradient.sub(
      resultOf(node)
        .exp()
        .mul(along('ReduceSum', gradient, softmaxAxes(node))),
    )
  },
]

/** The gradient of x from that of x̂ = (x − mean)/σ: (∂x̂ − mean ∂x̂ − x̂·mean(∂x̂·x̂))/σ (Ba et al. 2016, arXiv:1607.06450). */
export function standardised(gradient: Tensor, normal: Tensor, inverse: Tensor, axes: readonly number[]): Tensor {
  const mean = along('ReduceMean', gradient, axes)
  const slope = along('ReduceMean', gradient.mul(normal), axes)
  return gradient.sub(mean).sub(normal.mul(slope)).mul(inverse)
}

/** The axes of a normalisation over the last axes, as negative numbers. */
function lastAxes({ attributes, inputs, opType }: ForwardNode): readonly number[] {
  const axis = attributes.int('axis', -1)
  const rank = inputs[0]?.named?.length
  if (axis >= 0 && rank === undefined) throw new Error(`The rank of a ${opType} is not known.`)
  const count = axis < 0 ? -axis : rank! - axis
  return Array.from({ length: count }, (_, i) => i - count)
}

/** RMSNorm. With x̂ = x/√mean(x²), the gradient of x is (∂x̂ − x̂·mean(∂x̂·x̂))/√mean(x²) (Zhang and Sennrich 2019, arXiv:1910.07467). */
const rootMeanSquare: Rule = node => {
  const [x, scale] = [inputOf(node, 0), inputOf(node, 1)]
  const axes = lastAxes(node)
  const wide = castTo(x, 'float32')
  const inverse = along('ReduceMean', wide.mul(wide), axes).add(node.attributes.float('epsilon', 1e-5)).rsqrt()
  const normal = wide.mul(inverse)
  const gradient = gradientOf(node)
  return [
    () => {
      const incoming = castTo(gradient.mul(scale), 'float32')
      const slope = along('ReduceMean', incoming.mul(normal), axes)
      return castTo(incoming.sub(normal.mul(slope)).mul(inverse), x.type)
    },
    () => summed(gradient.mul(castTo(normal, gradient.type)), node.outputs[0]?.named, node.inputs[1]!),
  ]
}

/** The rule of LayerNormalization. Mean and variance are computed again, in float32 as onnxruntime does. */
const layerNormalization: Rule = node => {
  const [x, scale] = [inputOf(node, 0), inputOf(node, 1)]
  const axes = lastAxes(node)
  const wide = castTo(x, 'float32')
  const centred = wide.sub(along('ReduceMean', wide, axes))
  const variance = along('ReduceMean', centred.mul(centred), axes)
  const inverse = variance.add(node.attributes.float('epsilon', 1e-5)).rsqrt()
  const normal = centred.mul(inverse)
  const gradient = gradientOf(node)
  const named = node.outputs[0]?.named
  return [
    () => castTo(standardised(castTo(gradient.mul(scale), 'float32'), normal, inverse, axes), x.type),
    () => summed(gradient.mul(castTo(normal, gradient.type)), named, node.inputs[1]!),
    node.inputs[2] && (() => summed(gradient, named, node.inputs[2]!)),
  ]
}

/** The rules of softmaxes and normalisations. */
export const normalisationRules: Readonly<Record<string, Rule>> = {
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: rootMeanSquare,
  RMSNormalization: rootMeanSquare,
}
