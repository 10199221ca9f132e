import type { Attributes } from '../onnx/expansions/attributes.ts'
import type { NamedDims } from './forward-node.ts'

type NamedDim = NamedDims[number]

/** Integers of a value, such as a shape, of which some are known by a name alone. */
export type NamedInts = readonly NamedDim[]

/** What a node reads, as far as the dims of its results follow from it. */
export interface DimsReader {
  readonly opType: string
  readonly attributes: Attributes
  /** Undefined for an input that is left out or whose rank is not known. */
  readonly inputs: readonly (NamedDims | undefined)[]
  /** The elements of an input of integers. */
  intsOf(input: number): NamedInts | undefined
}

type DimsRule = (node: DimsReader) => NamedDims | undefined

/** Operators whose result has the dims of the first input. */
const LIKE_FIRST =
  'Identity Neg Abs Sqrt Reciprocal Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Erf Sigmoid Softplus Softsign Relu ThresholdedRelu Shrink LeakyRelu Elu Selu Celu HardSigmoid HardSwish Mish Gelu FastGelu QuickGelu Dropout Sign Floor Ceil Round Not IsNaN IsInf Clip Cast CastLike Softmax LogSoftmax Hardmax CumSum Trilu LayerNormalization SimplifiedLayerNormalization RMSNormalization BatchNormalization InstanceNormalization GroupNormalization LpNormalization ScatterND ScatterElements QuantizeLinear DequantizeLinear DynamicQuantizeLinear RotaryEmbedding'

const BROADCAST =
  'Add Sub Mul Div Pow Mod Where Max Min Sum Mean PRelu And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual'

/** The dims of values that are broadcast together. A dim that may be 1 or not is not known. */
function broadcast(all: readonly (NamedDims | undefined)[]): NamedDims | undefined {
  if (all.length === 0 || all.includes(undefined)) return undefined
  const dims = all as readonly NamedDims[]
  const rank = Math.max(...dims.map(each => each.length))
  return Array.from({ length: rank }, (_, axis) => {
    const along = dims.map(each => each[axis - rank + each.length]).filter((_, i) => axis - rank + dims[i].length >= 0)
    const larger = along.filter(dim => dim !== 1)
    const fixed = larger.find(dim => typeof dim === 'number')
    if (fixed !== undefined) return fixed
    if (larger.length === 0) return 1
    return larger.every(dim => dim !== undefined && dim === larger[0]) ? larger[0] : undefined
  })
}

const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis)

/** Axes that are an attribute in old opsets and an input in new ones. */
function axesOf({ attributes, intsOf }: DimsReader, input: number): readonly number[] | undefined {
  const axes = attributes.ints('axes') ?? intsOf(input)
  return axes?.every(axis => typeof axis === 'number') ? (axes as readonly number[]) : undefined
}

const reduced: DimsRule = node => {
  const [x] = node.inputs
  const keeps = node.attributes.int('keepdims', 1) === 1
  const hasAxes = node.attributes.has('axes') || node.inputs.length > 1
  const axes = hasAxes ? axesOf(node, 1) : []
  if (!axes) return keeps ? x?.map(() => undefined) : undefined
  if (axes.length === 0 && node.attributes.int('noop_with_empty_axes', 0) === 1) return x
  if (axes.length === 0 && !keeps) return []
  const isReduced = (axis: number): boolean =>
    axes.length === 0 || axes.some(each => fromFront(each, x!.length) === axis)
  return keeps ? x?.map((dim, axis) => (isReduced(axis) ? 1 : dim)) : x?.filter((_, axis) => !isReduced(axis))
}

const product: DimsRule = ({ inputs, attributes }) => {
  const [a, b] = inputs
  if (!a || !b || a.length === 0 || b.length === 0) return undefined
  const [transA, transB] = ['transA', 'transB'].map(name => attributes.int(name, 0) === 1)
  const outer = broadcast([a.slice(0, -2), b.slice(0, -2)])
  const rows = a.length === 1 ? [] : [transA ? a.at(-1) : a.at(-2)]
  const columns = b.length === 1 ? [] : [transB ? b.at(-2) : b.at(-1)]
  return outer && [...outer, ...rows, ...columns]
}

const gemm: DimsRule = ({ inputs: [a, b], attributes }) => [
  a?.[attributes.int('transA', 0) === 1 ? 1 : 0],
  b?.[attributes.int('transB', 0) === 1 ? 0 : 1],
]

const withoutAxes: DimsRule = node => {
  const [x] = node.inputs
  const axes = axesOf(node, 1)
  if (!x || !axes) return undefined
  const gone = axes.map(axis => fromFront(axis, x.length))
  return x.filter((_, axis) => !gone.includes(axis))
}

const withNewAxes: DimsRule = node => {
  const [x] = node.inputs
  const axes = axesOf(node, 1)
  if (!x || !axes) return undefined
  const rank = x.length + axes.length
  const added = axes.map(axis => fromFront(axis, rank))
  const rest = [...x]
  return Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : rest.shift()))
}

/** All dims but those along these axes. */
function except(x: NamedDims | undefined, axes: readonly number[]): NamedDims | undefined {
  const changed = x && axes.map(axis => fromFront(axis, x.length))
  return x?.map((dim, axis) => (changed!.includes(axis) ? undefined : dim))
}

const reshape: DimsRule = ({ inputs: [x], intsOf, attributes }) => {
  const shape = intsOf(1)
  const keepsZero = attributes.int('allowzero', 0) === 1
  return shape?.map((dim, axis) => (dim === 0 && !keepsZero ? x?.[axis] : dim === -1 ? undefined : dim))
}

const rules: Readonly<Record<string, DimsRule>> = {
  ...Object.fromEntries(LIKE_FIRST.split(' ').map((opType): [string, DimsRule] => [opType, ({ inputs }) => inputs[0]])),
  ...Object.fromEntries(
    BROADCAST.split(' ').map((opType): [string, DimsRule] => [opType, ({ inputs }) => broadcast(inputs)]),
  ),
  MatMul: product,
  FusedMatMul: product,
  MatMulInteger: product,
  MatMulNBits: ({ inputs: [a], attributes }) => a && [...a.slice(0, -1), attributes.int('N', 0)],
  Gemm: gemm,
  Transpose: ({ inputs: [x], attributes }) => {
    const perm = attributes.ints('perm')
    return perm ? perm.map(axis => x?.[axis]) : x?.toReversed()
  },
  Squeeze: withoutAxes,
  Unsqueeze: withNewAxes,
  Reshape: reshape,
  Expand: node => {
    const shape = node.intsOf(1)
    return shape && broadcast([node.inputs[0], shape])
  },
  Concat: ({ inputs, attributes }) => except(inputs[0], [attributes.int('axis', 0)]),
  Split: ({ inputs, attributes }) => except(inputs[0], [attributes.int('axis', 0)]),
  Pad: ({ inputs }) => inputs[0]?.map(() => undefined),
  Slice: node => {
    const starts = node.attributes.ints('starts')
    const axes = axesOf(node, 3) ?? starts?.map((_, i) => i)
    return axes ? except(node.inputs[0], axes) : node.inputs[0]?.map(() => undefined)
  },
  Gather: ({ inputs: [x, index], attributes }) => {
    if (!x || !index) return undefined
    const axis = fromFront(attributes.int('axis', 0), x.length)
    return [...x.slice(0, axis), ...index, ...x.slice(axis + 1)]
  },
  GatherElements: ({ inputs }) => inputs[1],
}

/** The dims of result `output`, as far as they follow from what the node reads; undefined if not even their number does. */
export function resultDims(node: DimsReader, output: number): NamedDims | undefined {
  if (output > 0 && node.opType === 'DynamicQuantizeLinear') return []
  if (output > 0 && node.opType !== 'Split') return undefined
  if (Object.hasOwn(rules, node.opType)) return rules[node.opType](node)
  return node.opType.startsWith('Reduce') ? reduced(node) : undefined
}

const ARITHMETIC: Readonly<Record<string, readonly [sign: string, of: (a: number, b: number) => number]>> = {
  Add: ['+', (a, b) => a + b],
  Sub: ['-', (a, b) => a - b],
  Mul: ['*', (a, b) => a * b],
  Div: ['/', (a, b) => Math.trunc(a / b)],
}

/** The integers that a node makes, where it makes a shape or a part of one. */
export function resultInts(node: DimsReader): NamedInts | undefined {
  const { opType, attributes, intsOf } = node
  const first = intsOf(0)
  switch (opType) {
    case 'Shape': {
      const end = attributes.has('end') ? attributes.int('end', 0) : undefined
      return node.inputs[0]?.slice(attributes.int('start', 0), end)
    }
    case 'Cast':
    case 'Identity':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
      return first
    case 'Concat': {
      const parts = node.inputs.map((_, i) => intsOf(i))
      return parts.every(part => part !== undefined) ? parts.flat() : undefined
    }
    case 'Gather': {
      const index = intsOf(1)
      return index?.map(at => (typeof at === 'number' ? first?.at(at) : undefined))
    }
    case 'Slice': {
      const [start] = intsOf(1) ?? attributes.ints('starts') ?? []
      const [end] = intsOf(2) ?? attributes.ints('ends') ?? []
      const isPlain = typeof start === 'number' && typeof end === 'number' && node.inputs.length < 5
      return isPlain ? first?.slice(start, end) : undefined
    }
    default:
      return Object.hasOwn(ARITHMETIC, opType) ? computed(opType, first, intsOf(1)) : undefined
  }
}

function computed(opType: string, a: NamedInts | undefined, b: NamedInts | undefined): NamedInts | undefined {
  if (a?.length !== 1 || b?.length !== 1) return undefined
  const [x, y] = [a[0], b[0]]
  if (x === undefined || y === undefined) return [undefined]
  const [sign, of] = ARITHMETIC[opType]
  return [typeof x === 'number' && typeof y === 'number' ? of(x, y) : `(${x}${sign}${y})`]
}
