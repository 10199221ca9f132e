import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { bodiesOf } from '../../onnx/message/subgraphs.ts'
import { embeddedIntegers } from '../../onnx/message/tensor-value.ts'
import type { GraphProto } from '../../onnx/schema/onnx_pb.ts'
import type { ValueShape } from '../scanning/value-shape.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/** What a rule can find out about a node. */
interface NodeFacts {
  readonly node: GraphNode
  readonly attributes: Attributes
  readonly opset: number
  /** Axes of an input, from 0 on, that grow with the number of rows, or whose length is unknown; all axes if the rank is unknown. */
  growing(input: number): readonly number[]
  rankOf(input: number): number | undefined
  /** Whether some value that the node or its bodies read grows with the number of rows. */
  readonly readsRows: boolean
  /** The elements of an input that is a small constant of integers. */
  constant(input: number): readonly number[] | undefined
}

/** Whether a row of the node's results depends on other rows of its inputs. */
type Rule = (question: NodeFacts) => boolean

const ANY_AXIS = Array.from({ length: 8 }, (_, axis) => axis)

/**
 * The first node whose result for one prompt of a batch depends on the other prompts.
 * @param shapes the dims of all values with some number of rows
 * @param wider the dims with one row more
 */
export function mixingNode(graph: OnnxGraph, shapes: Shapes, wider: Shapes): GraphNode | undefined {
  const opset = graph.opsets.get('') ?? 1
  const growingAxes = (name: string | undefined): readonly number[] => {
    if (!name || graph.initializers.has(name)) return []
    const [dims, widerDims] = [shapes.get(name)?.dims, wider.get(name)?.dims]
    if (!dims || !widerDims || dims.length !== widerDims.length) return ANY_AXIS
    return dims.flatMap((dim, axis) => (dim === undefined || dim !== widerDims[axis] ? [axis] : []))
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
        return tensor && tensor.dims.length <= 1 ? embeddedIntegers(tensor) : undefined
      },
    })
  })
}

function ruleFor({ opType, domain }: Pick<GraphNode, 'opType' | 'domain'>): Rule | undefined {
  if (domain !== '' && domain !== 'com.microsoft') return undefined
  if (opType.startsWith('Reduce')) return reduced
  return Object.hasOwn(rules, opType) ? rules[opType] : undefined
}

const anyAxis: Rule = ({ readsRows }) => readsRows
const fromAxis =
  (axisOf: (question: NodeFacts) => number): Rule =>
  question => {
    const rank = question.rankOf(0) ?? 0
    const first = axisOf(question)
    return question.growing(0).some(axis => axis >= (first < 0 ? first + rank : first))
  }
/** Mixes elements along one axis. */
const alongAxis =
  (axisOf: (question: NodeFacts) => number | undefined): Rule =>
  question => {
    const axis = axisOf(question)
    const growing = question.growing(0)
    if (axis === undefined) return growing.length > 0
    return growing.includes(axis < 0 ? axis + (question.rankOf(0) ?? 0) : axis)
  }
const attribute =
  (otherwise: number, name = 'axis') =>
  ({ attributes }: NodeFacts): number =>
    attributes.int(name, otherwise)
/** Before opset 13, Softmax and similar operators treated all axes from the given one on as one. */
const normalised: Rule = question =>
  question.opset < 13 ? fromAxis(attribute(1))(question) : alongAxis(attribute(-1))(question)
/** Rows are on the first axis; the others are channels and pixels. */
const imaged: Rule = ({ growing }) => growing(0).some(axis => axis > 0)

const reduced: Rule = question => {
  const { attributes, node, constant, growing, rankOf } = question
  const axes = attributes.ints('axes') ?? (node.inputs[1] ? constant(1) : [])
  if (axes?.length === 0 && attributes.int('noop_with_empty_axes', 0) === 1) return false
  if (!axes || axes.length === 0) return growing(0).length > 0
  const rank = rankOf(0) ?? 0
  return axes.some(axis => growing(0).includes(axis < 0 ? axis + rank : axis))
}

/** A product mixes the elements of the axis that it sums over, in either factor. */
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

/** Rows are on the second axis and time is on the first; with `layout` 1 it is the other way round. */
const recurrent: Rule = question => {
  const time = question.attributes.int('layout', 0) === 0 ? 0 : 1
  return question.growing(0).includes(time)
}

/** No shapes are known inside bodies, so only bodies whose operations never mix rows pass. */
const branching: Rule = ({ node, readsRows }) => {
  const mixes = (body: GraphProto): boolean =>
    body.node.some(inner => ruleFor(inner) !== undefined || bodiesOf(inner).some(mixes))
  return readsRows && bodiesOf(node.proto).some(mixes)
}

/** A slice along the axis of the rows depends on their number, unless it takes all. */
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

/** Rules by operator. Operators without a rule keep rows apart. */
const rules: Readonly<Record<string, Rule>> = {
  // One scale for the whole tensor.
  DynamicQuantizeLinear: anyAxis,
  DynamicQuantizeMatMul: anyAxis,
  DynamicQuantizeLSTM: anyAxis,
  ArgMax: alongAxis(attribute(0)),
  ArgMin: alongAxis(attribute(0)),
  TopK: alongAxis(attribute(-1)),
  CumSum: alongAxis(({ constant }) => constant(1)?.[0]),
  Softmax: normalised,
  LogSoftmax: normalised,
  Hardmax: normalised,
  LpNormalization: alongAxis(attribute(-1)),
  LayerNormalization: fromAxis(attribute(-1)),
  RMSNormalization: fromAxis(attribute(-1)),
  SimplifiedLayerNormalization: fromAxis(attribute(-1)),
  MeanVarianceNormalization: ({ attributes, growing }) =>
    (attributes.ints('axes') ?? [0, 2, 3]).some(axis => growing(0).includes(axis)),
  BatchNormalization: question =>
    question.attributes.int('training_mode', 0) === 1 ? anyAxis(question) : imaged(question),
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
  ReverseSequence: alongAxis(attribute(0, 'time_axis')),
  Gather: alongAxis(attribute(0)),
  GatherElements: alongAxis(attribute(0)),
  Split: alongAxis(attribute(0)),
  Slice: sliced,
  Compress: alongAxis(({ attributes }) => (attributes.has('axis') ? attributes.int('axis', 0) : undefined)),
  NonZero: anyAxis,
  Unique: anyAxis,
  // The random numbers of a row depend on how many rows come before it.
  RandomNormalLike: anyAxis,
  RandomUniformLike: anyAxis,
  Bernoulli: anyAxis,
  Multinomial: anyAxis,
  If: branching,
  Loop: anyAxis,
  Scan: anyAxis,
  SequenceMap: branching,
}
