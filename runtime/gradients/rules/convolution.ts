import { dimsOf, recordOne, type Tensor } from '../../tensor/tensor.ts'
import { int64Constant } from '../../tensor/values/int64.ts'
import { type ForwardNode, gradientOf, inputOf, type Rule } from '../forward-node.ts'
import { joined, knownRank, ofRank, shapeFrom, summedOver, transposed } from '../shapes.ts'
import { convolved, convolvedBack, sliced, type Windows, windowsOf } from '../windows.ts'

/** The first two axes exchanged. */
function exchanged(tensor: Tensor, opType: string): Tensor {
  const rest = Array.from({ length: knownRank(tensor, opType) - 2 }, (_, i) => i + 2)
  return transposed(tensor, [1, 0, ...rest])
}

/**
 * The gradient of w in y = x ⋆ w: the convolution of x with ∂y, in which samples and channels are exchanged, and so are strides and
 * dilations. The channels of each group become samples of their own.
 */
function kernelGradient(x: Tensor, gradient: Tensor, w: Tensor, windows: Windows): Tensor {
  const { strides, dilations, group } = windows
  const crossed = { ...windows, strides: dilations, dilations: strides }
  const many = new Array<undefined>(strides.length + 2).fill(undefined)
  const whole = convolved(groupsApart(x, group), exchanged(gradient, 'Conv'), crossed, many)
  const kernel = sliced(whole, int64Constant(strides.map(() => 0)), shapeFrom(w, 2, 'Conv'), many)
  return exchanged(kernel, 'Conv')
}

/** From [samples, groups·channels, …] to [channels, groups·samples, …]. */
function groupsApart(x: Tensor, group: number): Tensor {
  const swapped = exchanged(x, 'Conv')
  if (group === 1) return swapped
  const rank = knownRank(x, 'Conv')
  const unknown = (count: number): undefined[] => new Array<undefined>(count).fill(undefined)
  const reshaped = (tensor: Tensor, shape: readonly Tensor[], count: number): Tensor =>
    recordOne('Reshape', [tensor, joined(shape)], { type: x.type, dims: unknown(count) })
  const apart = reshaped(swapped, [int64Constant([group, -1]), shapeFrom(swapped, 1, 'Conv')], rank + 1)
  return reshaped(exchanged(apart, 'Conv'), [int64Constant([0, -1]), shapeFrom(x, 2, 'Conv')], rank)
}

/** The dims of the kernel after the first two. */
function kernelOf({ attributes, inputs }: ForwardNode): readonly number[] | undefined {
  const dims = inputs[1] && dimsOf(inputs[1].tensor)?.slice(2)
  return attributes.ints('kernel_shape') ?? (dims?.includes(undefined) ? undefined : (dims as number[] | undefined))
}

/** The rank of the kernel is that of the input and of the result. */
const rankOf = ({ inputs, attributes }: ForwardNode): number | undefined => {
  const own = inputs[1] && dimsOf(inputs[1].tensor)?.length
  const kernel = attributes.ints('kernel_shape')
  return own ?? (kernel && kernel.length + 2)
}

const inputOfRank = (node: ForwardNode, index: number): Tensor => ofRank(inputOf(node, index), rankOf(node))

const gradientOfRank = (node: ForwardNode): Tensor => ofRank(gradientOf(node), rankOf(node))

/** The sum over samples and places, of which a bias has one element for each channel. */
const biasGradient = (node: ForwardNode) => (): Tensor => {
  const gradient = gradientOfRank(node)
  const places = Array.from({ length: knownRank(gradient, node.opType) - 2 }, (_, i) => i + 2)
  return summedOver(gradient, [0, ...places], false)
}

const conv: Rule = node => {
  const [x, w] = [inputOfRank(node, 0), inputOfRank(node, 1)]
  const windows = windowsOf(node, x, kernelOf(node))
  return [
    () => convolvedBack(gradientOfRank(node), w, windows, x),
    () => kernelGradient(x, gradientOfRank(node), w, windows),
    node.inputs[2] && biasGradient(node),
  ]
}

/** y is what the gradient of a convolution's input is: ∂x = ∂y ⋆ w, and w's gradient is that of ∂y ⋆ w with x for what arrives. */
const convTranspose: Rule = node => {
  const [x, w] = [inputOfRank(node, 0), inputOfRank(node, 1)]
  const windows = transposedWindows(node, x)
  if (!windows) return []
  const ofLength = (tensor: Tensor): Tensor =>
    sliced(tensor, int64Constant(windows.strides.map(() => 0)), shapeFrom(x, 2, node.opType), dimsOf(x))
  return [
    () => ofLength(convolved(gradientOfRank(node), w, windows, dimsOf(x))),
    () => kernelGradient(gradientOfRank(node), x, w, windows),
    node.inputs[2] && biasGradient(node),
  ]
}

/**
 * The windows of a ConvTranspose on its result. With `output_shape` or `SAME` its pads are stride·(n − 1) + output_padding + length − result
 * together, of which the smaller half comes first, or with `SAME_LOWER` the larger.
 */
function transposedWindows(node: ForwardNode, x: Tensor): Windows | undefined {
  const { attributes } = node
  const mode = attributes.text('auto_pad')
  const shape = attributes.ints('output_shape')
  const kernel = kernelOf(node)
  const count = knownRank(x, node.opType) - 2
  const ones = new Array<number>(count).fill(1)
  const [strides, dilations] = [attributes.ints('strides') ?? ones, attributes.ints('dilations') ?? ones]
  const group = attributes.int('group', 1)
  if (!shape && !mode.startsWith('SAME')) {
    const pads = attributes.ints('pads') ?? new Array<number>(2 * count).fill(0)
    return { strides, dilations, group, pads: { known: true, begins: pads.slice(0, count), ends: pads.slice(count) } }
  }
  const dims = dimsOf(x)!.slice(2)
  if (!kernel || (shape && dims.includes(undefined))) return undefined
  const more = attributes.ints('output_padding') ?? new Array<number>(count).fill(0)
  const sizes = shape?.slice(-count)
  const totals = strides.map((stride, i) => {
    const rest = more[i] + (kernel[i] - 1) * dilations[i] + 1
    return Math.max(0, sizes ? stride * (dims[i]! - 1) + rest - sizes[i] : rest - stride)
  })
  const begins = totals.map(total => (mode === 'SAME_LOWER' ? Math.ceil(total / 2) : Math.floor(total / 2)))
  return { strides, dilations, group, pads: { known: true, begins, ends: totals.map((total, i) => total - begins[i]) } }
}

/** Convolutions, by operator. */
export const convolutionRules: Readonly<Record<string, Rule>> = { Conv: conv, ConvTranspose: convTranspose }
