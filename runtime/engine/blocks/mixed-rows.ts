import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { bodiesOf } from '../../onnx/message/subgraphs.ts'
import { embeddedBytes } from '../../onnx/message/tensor-value.ts'
import type { GraphProto } from '../../onnx/schema/onnx_pb.ts'
import type { ValueShape } from '../scanning/value-shape.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/** What a rule asks of a node. */
interface Question {
  readonly node: GraphNode
  readonly attributes: Attributes
  readonly opset: number
  /** Axes of an input, from 0 on, that get longer with more rows; those of unknown length, and all where not even the rank is known. */
  growing(input: number): readonly number[]
  rankOf(input: number): number | undefined
  /** Whether anything that the node reads, in its bodies too, has rows. */
  readonly readsRows: boolean
  /** The integers of an input that is a small constant. */
  constant(input: number): readonly number[] | undefined
}

/** Whether a row of the node's results depends on other rows of what it reads. */
type Rule = (question: Question) => boolean

const ANY_AXIS = Array.from({ length: 8 }, (_, axis) => axis)

/** The first node whose result for one prompt of a batch depends on the others: on dims that the model has with some rows, and with one more. */
export function mixingNode(graph: OnnxGraph, shapes: Shapes, wider: Shapes): GraphNode | undefined {
  const opset = graph.opsets.get('') ?? 1
  const growingAxes = (name: string | undefined): readonly number[] => {
    if (!name || graph.initializers.has(name)) return []
    const [dims, then] = [shapes.get(name)?.dims, wider.get(name)?.dims]
    if (!dims || !then || dims.length !== then.length) return ANY_AXIS
    return dims.flatMap((dim, axis) => (dim === undefined || dim !== then[axis] ? [axis] : []))
  }
  return graph.nodes.find(node => {
    const rule = ruleFor(node)
    return rule?.({
      node,
      attributes: new Attributes(node.proto),
      opset,
      growing: input => growingAxes(node.inputs[input]),
      get readsRows() {
        return [...node.inputs, ...node.captures].some(name => growingAxes(name).length > 0)
      },
      rankOf: input => {
        const name = node.inputs[input] ?? ''
        return graph.initializers.get(name)?.dims.length ?? shapes.get(name)?.dims?.length
      },
      constant: input => {
        const tensor = graph.initializers.get(node.inputs[input] ?? '')
        if (tensor?.dataLocation !== 0 || tensor.dims.length > 1) return undefined
        const bytes = embeddedBytes(tensor).slice()
        const Integers = tensor.dataType === 6 ? Int32Array : BigInt64Array
        return Array.from(new Integers(bytes.buffer) as ArrayLike<number | bigint>, Number)
      },
    })
  })
}

function ruleFor({ opType, domain }: Pick<GraphNode, 'opType' | 'domain'>): Rule | undefined {
  if (domain !== '' && domain !== 'com.microsoft') return undefined
  if (opType.startsWith('Reduce')) return reduced
  return Object.hasOwn(rules, opType) ? rules[opType] : undefined
}

const anything: Rule = ({ readsRows }) => readsRows
const from =
  (axisOf: (question: Question) => number): Rule =>
  question => {
    const rank = question.rankOf(0) ?? 0
    const first = axisOf(question)
    return question.growing(0).some(axis => axis >= (first < 0 ? first + rank : first))
  }
/** Along one axis. */
const along =
  (axisOf: (question: Question) => number | undefined): Rule =>
  question => {
    const axis = axisOf(question)
    const growing = question.growing(0)
    if (axis === undefined) return growing.length > 0
    return growing.includes(axis < 0 ? axis + (question.rankOf(0) ?? 0) : axis)
  }
const attribute =
  (otherwise: number, name = 'axis') =>
  ({ attributes }: Question): number =>
    attributes.int(name, otherwise)
/** Softmax and its like took all axes from theirs on for one, before opset 13. */
const normalised: Rule = question =>
  question.opset < 13 ? from(attribute(1))(question) : along(attribute(-1))(question)
/** The first axis has the rows; the others are channels and places. */
const imaged: Rule = ({ growing }) => growing(0).some(axis => axis > 0)

const reduced: Rule = question => {
  const { attributes, node, constant, growing, rankOf } = question
  const axes = attributes.ints('axes') ?? (node.inputs[1] ? constant(1) : [])
  if (axes?.length === 0 && attributes.int('noop_with_empty_axes', 0) === 1) return false
  if (!axes || axes.length === 0) return growing(0).length > 0
  const rank = rankOf(0) ?? 0
  return axes.some(axis => growing(0).includes(axis < 0 ? axis + rank : axis))
}

/** The axis that is summed over, of either factor. */
const multiplied =
  (first = 0, second = 1): Rule =>
  ({ attributes, growing, rankOf }) => {
    const isTurned = (name: string): boolean => attributes.int(name, 0) !== 0
    const inner = (input: number, fromEnd: number): boolean => {
      const rank = rankOf(input)
      const axes = growing(input)
      return rank === undefined ? axes.length > 0 : axes.includes(rank === 1 ? 0 : rank - fromEnd)
    }
    return inner(first, isTurned('transA') ? 2 : 1) || inner(second, isTurned('transB') ? 1 : 2)
  }

const einsum: Rule = ({ attributes, growing }) => {
  const [left, right] = attributes.text('equation').replaceAll(' ', '').split('->')
  if (right === undefined || left.includes('.')) return left.split(',').some((_, i) => growing(i).length > 0)
  return left.split(',').some((letters, i) => growing(i).some(axis => !right.includes(letters[axis] ?? ' ')))
}

/** Rows are the second axis, unless `layout` puts them first; the other one of these is time. */
const recurrent: Rule = question => {
  const time = question.attributes.int('layout', 0) === 0 ? 0 : 1
  return question.growing(0).includes(time)
}

/** What lies in bodies has no shapes here: only those of operations that never mix rows are let through. */
const branching: Rule = ({ node, readsRows }) => {
  const mixes = (body: GraphProto): boolean =>
    body.node.some(inner => ruleFor(inner) !== undefined || bodiesOf(inner).some(mixes))
  return readsRows && bodiesOf(node.proto).some(mixes)
}

/** Rows taken out by number: the whole of them is none taken out. */
const sliced: Rule = ({ attributes, node, constant, growing, rankOf }) => {
  const axes = attributes.ints('axes') ?? (node.inputs[3] ? constant(3) : ANY_AXIS)
  const ends = attributes.ints('ends') ?? constant(2)
  const starts = attributes.ints('starts') ?? constant(1)
  const rank = rankOf(0) ?? 0
  return growing(0).some(axis => {
    const at = axes?.findIndex(taken => (taken < 0 ? taken + rank : taken) === axis) ?? 0
    return at >= 0 && !(starts?.[at] === 0 && ends !== undefined && ends[at] >= 2 ** 31 - 1)
  })
}

/** By operator; what is not here keeps rows apart. */
const rules: Readonly<Record<string, Rule>> = {
  // One scale for the whole tensor.
  DynamicQuantizeLinear: anything,
  DynamicQuantizeMatMul: anything,
  DynamicQuantizeLSTM: anything,
  ArgMax: along(attribute(0)),
  ArgMin: along(attribute(0)),
  TopK: along(attribute(-1)),
  CumSum: along(({ constant }) => constant(1)?.[0]),
  Softmax: normalised,
  LogSoftmax: normalised,
  Hardmax: normalised,
  LpNormalization: along(attribute(-1)),
  LayerNormalization: from(attribute(-1)),
  RMSNormalization: from(attribute(-1)),
  SimplifiedLayerNormalization: from(attribute(-1)),
  MeanVarianceNormalization: ({ attributes, growing }) =>
    (attributes.ints('axes') ?? [0, 2, 3]).some(axis => growing(0).includes(axis)),
  BatchNormalization: question =>
    question.attributes.int('training_mode', 0) === 1 ? anything(question) : imaged(question),
  MatMul: multiplied(),
  FusedMatMul: multiplied(),
  Gemm: multiplied(),
  MatMulInteger: multiplied(),
  MatMulIntegerToFloat: multiplied(),
  QLinearMatMul: multiplied(0, 3),
  Einsum: einsum,
  Conv: imaged,
  ConvInteger: imaged,
  ConvTranspose: imaged,
  QLinearConv: imaged,
  MaxPool: imaged,
  AveragePool: imaged,
  LpPool: imaged,
  GlobalAveragePool: imaged,
  GlobalMaxPool: imaged,
  GlobalLpPool: imaged,
  InstanceNormalization: imaged,
  GroupNormalization: imaged,
  LRN: imaged,
  RNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  ReverseSequence: along(attribute(0, 'time_axis')),
  Gather: along(attribute(0)),
  GatherElements: along(attribute(0)),
  Split: along(attribute(0)),
  Slice: sliced,
  Compress: along(({ attributes }) => (attributes.has('axis') ? attributes.int('axis', 0) : undefined)),
  NonZero: anything,
  Unique: anything,
  // Which number a row gets depends on how many come before it.
  RandomNormalLike: anything,
  RandomUniformLike: anything,
  Bernoulli: anything,
  Multinomial: anything,
  If: branching,
  Loop: anything,
  Scan: anything,
  SequenceMap: branching,
}
