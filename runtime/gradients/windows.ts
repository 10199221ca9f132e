import { dimsOf, recordOne, type Tensor } from '../tensor/tensor.ts'
import { int64Constant } from '../tensor/values/int64.ts'
import type { ForwardNode } from './forward-node.ts'
import { joined, knownRank, shapeFrom } from './shapes.ts'

/** How the windows of a convolution or a pool lie on the axes after the first two. */
export interface Windows {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly group: number
  /** What is padded before and after each axis: numbers, or int64 vectors where they follow from dims that are not known. */
  readonly pads: Pads
}

export type Pads =
  | { readonly known: true; readonly begins: readonly number[]; readonly ends: readonly number[] }
  | { readonly known: false; readonly begins: Tensor; readonly ends: Tensor }

/** The windows of a node that slides a kernel with these dims over `x`. */
export function windowsOf(node: ForwardNode, x: Tensor, kernel: readonly number[] | undefined): Windows {
  const { attributes, opType } = node
  const count = knownRank(x, opType) - 2
  const strides = attributes.ints('strides') ?? new Array<number>(count).fill(1)
  const dilations = attributes.ints('dilations') ?? new Array<number>(count).fill(1)
  const group = attributes.int('group', 1)
  const pads = attributes.ints('pads') ?? new Array<number>(2 * count).fill(0)
  const mode = attributes.text('auto_pad')
  if (!mode.startsWith('SAME'))
    return { strides, dilations, group, pads: { known: true, begins: pads.slice(0, count), ends: pads.slice(count) } }
  if (!kernel) throw new Error(`The kernel of a ${opType} has dims that are not known.`)
  const lengths = kernel.map((length, i) => (length - 1) * dilations[i] + 1)
  return { strides, dilations, group, pads: samePads(x, strides, lengths, mode === 'SAME_LOWER', opType) }
}

/** The pads with which there is one window for every `stride` elements: max(0, (⌈n/stride⌉ − 1)·stride + length − n) together. */
function samePads(
  x: Tensor,
  strides: readonly number[],
  lengths: readonly number[],
  isLower: boolean,
  opType: string,
): Pads {
  const dims = dimsOf(x)!.slice(2)
  if (strides.every((stride, i) => stride === 1 || dims[i] !== undefined)) {
    const totals = strides.map((stride, i) => {
      if (stride === 1) return lengths[i] - 1
      const dim = dims[i]!
      return Math.max(0, (Math.ceil(dim / stride) - 1) * stride + lengths[i] - dim)
    })
    const halves = totals.map(total => (isLower ? Math.ceil(total / 2) : Math.floor(total / 2)))
    return { known: true, begins: halves, ends: totals.map((total, i) => total - halves[i]) }
  }
  const compute = (opType: string, a: Tensor, b: Tensor): Tensor =>
    recordOne(opType, [a, b], { type: 'int64', dims: [strides.length] })
  const [stride, length, one] = [strides, lengths, strides.map(() => 1)].map(each => int64Constant(each))
  const dim = shapeFrom(x, 2, opType)
  const before = compute('Div', compute('Sub', dim, one), stride)
  const missing = compute('Sub', compute('Add', compute('Mul', before, stride), length), dim)
  const total = compute('Max', missing, int64Constant([0]))
  const half = compute('Div', isLower ? compute('Add', total, one) : total, int64Constant([2]))
  const rest = compute('Sub', total, half)
  return { known: false, begins: half, ends: rest }
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0)

/**
 * The gradient of x in y = x ⋆ w: the transposed convolution of ∂y with w, without what was padded (Dumoulin and Visin 2016,
 * arXiv:1603.07285). It ends with zeros for elements that no window reached.
 */
export function convolvedBack(
  gradient: Tensor,
  w: Tensor,
  { strides, dilations, group, pads }: Windows,
  x: Tensor,
): Tensor {
  const count = strides.length
  const dims = dimsOf(x)
  const whole = recordOne(
    'ConvTranspose',
    [gradient, w],
    { type: gradient.type, dims: dims?.map((dim, i) => (i < 2 ? dim : undefined)) },
    {
      strides: { ints: strides },
      dilations: { ints: dilations },
      group: { int: group },
      pads: { ints: [...(pads.known ? pads.begins : zeros(count)), ...zeros(count)] },
      output_padding: { ints: strides.map(stride => stride - 1) },
    },
  )
  const begins = pads.known ? int64Constant(zeros(count)) : pads.begins
  return sliced(whole, begins, shapeFrom(x, 2, 'Conv'), dims)
}

/** The elements from `begins` on, as many as `lengths` says, along the axes after the first two. */
export function sliced(tensor: Tensor, begins: Tensor, lengths: Tensor, dims: ReturnType<typeof dimsOf>): Tensor {
  const count = dimsOf(tensor)!.length - 2
  const ends = recordOne('Add', [begins, lengths], { type: 'int64', dims: [count] })
  const axes = int64Constant(Array.from({ length: count }, (_, i) => i + 2))
  return recordOne('Slice', [tensor, begins, ends, axes], { type: tensor.type, dims })
}

/** x ⋆ w. Pads that are not known numbers are put around x. */
export function convolved(
  x: Tensor,
  w: Tensor,
  { strides, dilations, group, pads }: Windows,
  dims: ReturnType<typeof dimsOf>,
): Tensor {
  const count = strides.length
  const padded = pads.known ? x : paddedBy(x, pads)
  return recordOne(
    'Conv',
    [padded, w],
    { type: x.type, dims },
    {
      strides: { ints: strides },
      dilations: { ints: dilations },
      group: { int: group },
      pads: { ints: pads.known ? [...pads.begins, ...pads.ends] : zeros(2 * count) },
    },
  )
}

function paddedBy(x: Tensor, { begins, ends }: { readonly begins: Tensor; readonly ends: Tensor }): Tensor {
  const none = int64Constant([0, 0])
  const dims = dimsOf(x)?.map((dim, i) => (i < 2 ? dim : undefined))
  return recordOne('Pad', [x, joined([none, begins, none, ends])], { type: x.type, dims })
}
