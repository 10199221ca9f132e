import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/** The scale and zero point of a quantised value, by their names in the graph: an integer means `(integer − zeroPoint) × scale`. */
export interface Quantisation {
  readonly scale: string
  readonly zeroPoint: string | undefined
}

/** Index of the input that is the result's scale; the zero point is the next one (microsoft/onnxruntime, docs/ContribOperators.md). */
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

/** Operators that move elements without changing them. */
const KEEPS_ELEMENTS = new Set([
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

/** The scale and zero point of a quantised activation; undefined for a value that is not quantised. */
export function quantisationOf(graph: OnnxGraph, value: string): Quantisation | undefined {
  for (let node = graph.producer.get(value)?.node; node; node = graph.producer.get(node.inputs[0])?.node) {
    if (node.opType in RESULT_SCALE) return quantisationAt(node, RESULT_SCALE[node.opType])
    if (!KEEPS_ELEMENTS.has(node.opType)) return undefined
  }
  return undefined
}

function quantisationAt({ inputs }: GraphNode, scaleIndex: number): Quantisation | undefined {
  const scale = inputs[scaleIndex]
  return scale ? { scale, zeroPoint: inputs[scaleIndex + 1] || undefined } : undefined
}
