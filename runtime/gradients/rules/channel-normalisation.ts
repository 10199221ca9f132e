import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { knownRank, reshapedLike, summedOver } from '../shapes.ts'
import { convolved, type Windows } from '../windows.ts'
import { along, standardised } from './normalisation.ts'

/** The axes after the first two. */
const places = (rank: number): number[] => Array.from({ length: Math.max(0, rank - 2) }, (_, i) => i + 2)

/** A vector with an element for each channel, shaped so that it broadcasts with a tensor of this rank. */
function byChannel(vector: Tensor, rank: number): Tensor {
  if (rank <= 2) return vector
  const dims = [dimsOf(vector)?.[0], ...places(rank).map(() => 1)]
  const axes = int64Constant(places(rank).map(axis => axis - 1))
  return recordOne('Unsqueeze', [vector, axes], { type: vector.type, dims })
}

/** All axes after the first two as one. */
function placesTogether(tensor: Tensor): Tensor {
  const dims = [undefined, undefined, undefined]
  return recordOne('Reshape', [tensor, int64Constant([0, 0, -1])], { type: tensor.type, dims })
}

/** y = (x − mean)/√(variance + ε)·scale + bias, in which the statistics are inputs (Ioffe and Szegedy 2015, arXiv:1502.03167). */
const batchNormalization: Rule = node => {
  const { attributes, opset, outputs } = node
  if (attributes.int('training_mode', 0) === 1 || (opset < 14 && outputs.length > 1)) return []
  const hasRank = dimsOf(inputOf(node, 0)) !== undefined
  const flat = (tensor: Tensor): Tensor => (hasRank ? tensor : placesTogether(tensor))
  const x = flat(inputOf(node, 0))
  const rank = knownRank(x, node.opType)
  const gradient = flat(gradientOf(node))
  const at = (index: number): Tensor => byChannel(inputOf(node, index), rank)
  const inverse = at(4).add(attributes.float('epsilon', 1e-5)).rsqrt()
  const perChannel = (tensor: Tensor): Tensor => summedOver(tensor, [0, ...places(rank)], false)
  const normal = (): Tensor => x.sub(at(3)).mul(inverse)
  const byX = (): Tensor => gradient.mul(at(1).mul(inverse))
  return [
    () => (hasRank ? byX() : reshapedLike(byX(), inputOf(node, 0))),
    () => perChannel(gradient.mul(normal())),
    () => perChannel(gradient),
    () => perChannel(byX()).neg(),
    () => perChannel(byX().mul(normal()).mul(inverse)).mul(-0.5),
  ]
}

/** x̂ = (x − mean)/√(variance + ε) over axes, and 1/√(variance + ε). */
function normalised(x: Tensor, axes: readonly number[], epsilon: number): { normal: Tensor; inverse: Tensor } {
  const centred = x.sub(along('ReduceMean', x, axes))
  const inverse = along('ReduceMean', centred.mul(centred), axes).add(epsilon).rsqrt()
  return { normal: centred.mul(inverse), inverse }
}

/** y = x̂·scale + bias, over each channel of each sample (Ulyanov et al. 2016, arXiv:1607.08022). */
const instanceNormalization: Rule = node => {
  const x = castTo(inputOf(node, 0), 'float32')
  const rank = knownRank(x, node.opType)
  const gradient = castTo(gradientOf(node), 'float32')
  const { normal, inverse } = normalised(x, places(rank), node.attributes.float('epsilon', 1e-5))
  const perChannel = (tensor: Tensor): Tensor =>
    castTo(summedOver(tensor, [0, ...places(rank)], false), gradientOf(node).type)
  const scaled = (): Tensor => gradient.mul(castTo(byChannel(inputOf(node, 1), rank), 'float32'))
  return [
    () => castTo(standardised(scaled(), normal, inverse, places(rank)), gradientOf(node).type),
    () => perChannel(gradient.mul(normal)),
    () => perChannel(gradient),
  ]
}

/** The same over the channels of each group (Wu and He 2018, arXiv:1803.08494). Before opset 21 scale and bias had an element for each group. */
const groupNormalization: Rule = node => {
  const [x, scale] = [inputOf(node, 0), inputOf(node, 1)]
  const rank = knownRank(x, node.opType)
  const gradient = gradientOf(node)
  const isByGroup = node.opset < 21
  const grouped = (tensor: Tensor): Tensor => {
    const shape = int64Constant([0, node.attributes.int('num_groups', 1), -1])
    return recordOne('Reshape', [tensor, shape], { type: tensor.type, dims: [undefined, undefined, undefined] })
  }
  const { normal, inverse } = normalised(grouped(x), [-1], node.attributes.float('epsilon', 1e-5))
  const scaled = (): Tensor =>
    isByGroup ? grouped(gradient).mul(byChannel(scale, 3)) : grouped(gradient.mul(byChannel(scale, rank)))
  const summed = (tensor: Tensor): Tensor =>
    isByGroup ? summedOver(grouped(tensor), [0, 2], false) : summedOver(tensor, [0, ...places(rank)], false)
  return [
    () => reshapedLike(standardised(scaled(), normal, inverse, [-1]), x),
    () => summed(gradient.mul(reshapedLike(normal, x))),
    () => summed(gradient),
  ]
}

/** y = x/‖x‖ along an axis: ∂x = (∂y − d·Σ ∂y·y)/‖x‖, in which d is y, or sign x for the sum of absolute values. */
const lpNormalization: Rule = node => [
  () => {
    const [x, y, gradient] = [inputOf(node, 0), resultOf(node), gradientOf(node)]
    const axis = node.attributes.int('axis', -1)
    const isSum = node.attributes.int('p', 2) === 1
    const norm = along(isSum ? 'ReduceL1' : 'ReduceL2', x, [axis])
    const slope = isSum ? x.sign() : y
    return gradient.sub(slope.mul(along('ReduceSum', gradient.mul(y), [axis]))).div(norm)
  },
]

const meanVariance: Rule = node => [
  () => {
    const axes = node.attributes.ints('axes') ?? [0, 2, 3]
    const { normal, inverse } = normalised(inputOf(node, 0), axes, 0)
    return standardised(gradientOf(node), normal, inverse, axes)
  },
]

/**
 * y = x·d^(−β) with d = bias + α/size·Σ x² over neighbouring channels (Krizhevsky et al. 2012): ∂x = ∂y·d^(−β) − 2αβ/size·x·Σ ∂y·x·d^(−β − 1),
 * in which the second sum is over the channels whose neighbour x is.
 */
const localResponse: Rule = node => [
  () => {
    const [x, gradient] = [inputOf(node, 0), gradientOf(node)]
    const { attributes } = node
    const size = attributes.int('size', 1)
    const [alpha, beta] = [attributes.float('alpha', 1e-4) / size, attributes.float('beta', 0.75)]
    const half = Math.floor((size - 1) / 2)
    const d = neighbours(x.mul(x), half, size - 1 - half)
      .mul(alpha)
      .add(attributes.float('bias', 1))
    const inner = neighbours(gradient.mul(x).mul(d.pow(-beta - 1)), size - 1 - half, half)
    return gradient.mul(d.pow(-beta)).sub(x.mul(inner).mul(2 * alpha * beta))
  },
]

/** The sum over each channel, some before it and some after it: a convolution along the channels. */
function neighbours(x: Tensor, before: number, after: number): Tensor {
  const unknown = new Array<undefined>(4).fill(undefined)
  const raised = recordOne('Unsqueeze', [x, int64Constant([1])], {
    type: x.type,
    dims: [undefined, ...(dimsOf(x) ?? []).map(() => undefined)],
  })
  const image = recordOne('Reshape', [raised, int64Constant([0, 1, 0, -1])], { type: x.type, dims: unknown })
  const kernel = recordOne(
    'Expand',
    [castTo(int64Constant([1], []), x.type), int64Constant([1, 1, before + after + 1, 1])],
    { type: x.type, dims: [1, 1, before + after + 1, 1] },
  )
  const windows: Windows = {
    strides: [1, 1],
    dilations: [1, 1],
    group: 1,
    pads: { known: true, begins: [before, 0], ends: [after, 0] },
  }
  return reshapedLike(convolved(image, kernel, windows, unknown), x)
}

/** Normalisations of images and of whole channels, by operator. */
export const channelNormalisationRules: Readonly<Record<string, Rule>> = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
  LRN: localResponse,
}
