import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'

/** Operators all of whose fixed inputs are learned, but for sizes and positions. */
const LEARNED =
  /^(LSTM|GRU|RNN|PRelu|Conv|ConvTranspose|FusedConv|Gemm|FusedGemm|MatMul|(Batch|Instance|Layer|Group|RMS)Normalization|(Skip)?SimplifiedLayerNormalization|SkipLayerNormalization|EmbedLayerNormalization|.*Attention|BiasGelu|FastGelu|QMoE|MoE|MatMulNBits)$/

const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div'])

/** TensorProto.DataType: FLOAT, FLOAT16, DOUBLE, BFLOAT16. */
const FLOATS = new Set([1, 10, 11, 16])

/**
 * Whether a Constant node holds a weight, as some exporters write all of them: floats that a layer acts with, or one for each channel
 * that are added or multiplied. Masks, limits and factors are none.
 */
export function isLearnedConstant(graph: OnnxGraph, name: string): boolean {
  const long = longAxes(graph, name)
  if (long === 0) return false
  const isVector = long === 1 && !hasMatrices(graph)
  return (graph.consumers.get(name) ?? []).some(
    node => LEARNED.test(node.opType) || (isVector && ELEMENTWISE.has(node.opType) && meetsActivation(graph, node)),
  )
}

/** How many axes of a float tensor are longer than one; 0 for any other. */
function longAxes(graph: OnnxGraph, name: string): number {
  const tensor = graph.initializers.get(name)
  return tensor && FLOATS.has(tensor.dataType) ? tensor.dims.filter(dim => dim > 1n).length : 0
}

/** Whether the file's initializers are its weights: then what is in Constant nodes seldom is. */
function hasMatrices(graph: OnnxGraph): boolean {
  let known = matrices.get(graph)
  if (known === undefined) {
    known = [...graph.initializers.keys()].some(name => !graph.constantNodes.has(name) && longAxes(graph, name) > 1)
    matrices.set(graph, known)
  }
  return known
}

const matrices = new WeakMap<OnnxGraph, boolean>()

const meetsActivation = (graph: OnnxGraph, node: GraphNode): boolean =>
  node.inputs.some(input => !graph.initializers.has(input))
