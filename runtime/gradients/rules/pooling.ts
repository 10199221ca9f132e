import type { Attributes } from '../../graph/expression.ts'
import { where } from '../../tensor/ops/comparison.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import { dimsOf, record, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { expandedLike, joined, knownRank, ofRank, reshapedLike, shapeFrom, summedOver } from '../shapes.ts'
import { convolved, convolvedBack, sliced, type Windows, windowsOf } from '../windows.ts'
import { putBack } from './selection.ts'

const kernelOf = ({ attributes }: ForwardNode): readonly number[] => attributes.ints('kernel_shape')!

const product = (numbers: readonly number[]): number => numbers.reduce((all, one) => all * one, 1)

/** A tensor of ones with these dims. */
function ones(shape: Tensor, type: Tensor['type'], rank: number): Tensor {
  const dims = new Array<undefined>(rank).fill(undefined)
  return recordOne('Expand', [castTo(int64Constant([1], []), type), shape], { type, dims })
}

const onesKernel = (kernel: readonly number[], type: Tensor['type']): Tensor =>
  ones(int64Constant([1, 1, ...kernel]), type, kernel.length + 2)

/** Each channel of each sample as a sample of its own. */
function channelsApart(tensor: Tensor, opType: string): Tensor {
  const shape = joined([int64Constant([-1, 1]), shapeFrom(tensor, 2, opType)])
  const dims = [undefined, 1, ...dimsOf(tensor)!.slice(2)]
  return recordOne('Reshape', [tensor, shape], { type: tensor.type, dims })
}

/** Adds what arrives at each window to all elements in it. */
function spread(gradient: Tensor, node: ForwardNode): Tensor {
  const kernel = kernelOf(node)
  const x = ofRank(inputOf(node, 0), kernel.length + 2)
  const back = convolvedBack(
    channelsApart(ofRank(gradient, kernel.length + 2), node.opType),
    onesKernel(kernel, gradient.type),
    windowsOf(node, x, kernel),
    channelsApart(x, node.opType),
  )
  return reshapedLike(back, x)
}

/** How many elements each window has: those of the input, and of its padding if that counts. */
function countOf(node: ForwardNode): Tensor | number {
  const { attributes } = node
  const kernel = kernelOf(node)
  const x = ofRank(inputOf(node, 0), kernel.length + 2)
  const windows = windowsOf(node, x, kernel)
  const { pads } = windows
  const isWhole = attributes.int('ceil_mode', 0) === 0
  const includesPads = attributes.int('count_include_pad', 0) === 1
  const isPadded = !pads.known || [...pads.begins, ...pads.ends].some(pad => pad > 0)
  if (isWhole && (includesPads || !isPadded)) return product(kernel)
  const count = kernel.length
  const asTensor = (each: Tensor | readonly number[]): Tensor =>
    Array.isArray(each) ? int64Constant(each) : (each as Tensor)
  const add = (a: Tensor, b: Tensor): Tensor => recordOne('Add', [a, b], { type: 'int64', dims: [count] })
  const own = shapeFrom(x, 2, node.opType)
  const lengths = includesPads ? add(add(own, asTensor(pads.begins)), asTensor(pads.ends)) : own
  const all = ones(joined([int64Constant([1, 1]), lengths]), x.type, count + 2)
  const counts = convolved(all, onesKernel(kernel, x.type), reaching(windows, includesPads, isWhole), dimsOf(all))
  const gradient = ofRank(gradientOf(node), kernel.length + 2)
  const dims = [1, 1, ...dimsOf(gradient)!.slice(2)]
  return sliced(counts, int64Constant(kernel.map(() => 0)), shapeFrom(gradient, 2, node.opType), dims)
}

/** The windows without pads that are already there, and with as many more at the end as the last window may need. */
function reaching(windows: Windows, includesPads: boolean, isWhole: boolean): Windows {
  const { pads, strides } = windows
  const more = strides.map(stride => (isWhole ? 0 : stride - 1))
  const none = strides.map(() => 0)
  if (includesPads) return { ...windows, pads: { known: true, begins: none, ends: more } }
  return pads.known ? { ...windows, pads: { ...pads, ends: pads.ends.map((end, i) => end + more[i]) } } : windows
}

/** The gradient goes to the element that was the largest of its window, of which MaxPool gives the number. */
const maxPool: Rule = node => [
  () => {
    const x = inputOf(node, 0)
    const { attributes } = node
    const kernel = kernelOf(node)
    const none = kernel.map(() => 1)
    const strides = attributes.ints('strides') ?? none
    const dilations = attributes.ints('dilations') ?? none
    const all: Attributes = {
      kernel_shape: { ints: kernel },
      strides: { ints: strides },
      ...(dilations.some(dilation => dilation > 1) ? { dilations: { ints: dilations } } : {}),
      ...(attributes.has('pads') ? { pads: { ints: attributes.ints('pads')! } } : {}),
      ...(attributes.has('auto_pad') ? { auto_pad: { string: attributes.text('auto_pad') } } : {}),
      ceil_mode: { int: attributes.int('ceil_mode', 0) },
    }
    const dims = dimsOf(gradientOf(node))
    const [, numbers] = record(
      'MaxPool',
      [x],
      [
        { type: x.type, dims },
        { type: 'int64', dims },
      ],
      all,
    )
    const isApart = kernel.every((length, i) => (length - 1) * dilations[i] < strides[i])
    return putBack(node, numbers, isApart ? {} : { reduction: { string: 'add' } })
  },
]

/** The p-norm of each window: ∂x = |x|^(p − 1)·sign x·y^(1 − p)·∂y. */
const normGradient = (
  x: Tensor,
  y: Tensor,
  p: number,
  toWindows: (each: Tensor) => Tensor,
  gradient: Tensor,
): Tensor => {
  const scaled = p === 1 ? gradient : where(y.eq(0), 0, gradient.mul(y.pow(1 - p)))
  const slope =
    p === 1
      ? x.sign()
      : p === 2
        ? x
        : x
            .abs()
            .pow(p - 1)
            .mul(x.sign())
  return slope.mul(toWindows(scaled))
}

/** The axes after the first two. */
const places = (node: ForwardNode): number[] =>
  Array.from({ length: knownRank(inputOf(node, 0), node.opType) - 2 }, (_, i) => i + 2)

/** Pools, by operator. */
export const poolingRules: Readonly<Record<string, Rule>> = {
  MaxPool: maxPool,
  AveragePool: node => [() => spread(gradientOf(node).div(countOf(node)), node)],
  LpPool: node => [
    () => {
      const p = node.attributes.int('p', 2)
      return normGradient(inputOf(node, 0), resultOf(node), p, each => spread(each, node), gradientOf(node))
    },
  ],
  GlobalAveragePool: node => [
    () => {
      const x = inputOf(node, 0)
      const size = (tensor: Tensor): Tensor => castTo(recordOne('Size', [tensor], { type: 'int64', dims: [] }), x.type)
      return expandedLike(gradientOf(node).div(size(x).div(size(resultOf(node)))), x)
    },
  ],
  /** Shared between the elements that are the largest. */
  GlobalMaxPool: node => [
    () => {
      const x = inputOf(node, 0)
      const chosen = castTo(x.eq(resultOf(node)), x.type)
      return chosen.mul(gradientOf(node).div(summedOver(chosen, places(node), true)))
    },
  ],
  GlobalLpPool: node => [
    () => normGradient(inputOf(node, 0), resultOf(node), node.attributes.int('p', 2), each => each, gradientOf(node)),
  ],
}
