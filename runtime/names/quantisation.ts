import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/** How the integers of a quantised value stand for numbers: `(value − zeroPoint) × scale`, both by their names in the graph. */
export interface Quantisation {
  readonly scale: string
  readonly zeroPoint: string | undefined
}

/** Where an operator's own scale and zero point for its result are among its inputs (microsoft/onnxruntime, docs/ContribOperators.md). */
const RESULT_SCALE: Readonly<Record<string, number>> = {
  QuantizeLinear: 1,
  QLinearConv: 6,
  QLinearMatMul: 6,
  QLinearAdd: 6,
  QLinearMul: 6,
  QLinearSigmoid: 3,
  QLinearLeakyRelu: 3,
  QLinearSoftmax: 3,
  QLinearGlobalAveragePool: 3,
  QLinearAveragePool: 3,
  QLinearReduceMean: 3,
  QLinearConcat: 0,
  QGemm: 7,
}

/** Operators that move elements and leave them as they are. */
const MOVES = new Set([
  'Reshape',
  'Transpose',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Split',
  'Identity',
  'MaxPool',
  'Expand',
  'Pad',
  'Gather',
])

/** The quantisation of an activation; undefined for a value that is not quantised. */
export function quantisationOf(graph: OnnxGraph, value: string): Quantisation | undefined {
  for (let node = graph.producer.get(value)?.node; node; node = graph.producer.get(node.inputs[0])?.node) {
    if (node.opType in RESULT_SCALE) return of(node, RESULT_SCALE[node.opType])
    if (!MOVES.has(node.opType)) return undefined
  }
  return undefined
}

function of({ inputs }: GraphNode, at: number): Quantisation | undefined {
  const scale = inputs[at]
  return scale ? { scale, zeroPoint: inputs[at + 1] || undefined } : undefined
}
