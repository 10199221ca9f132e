import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Scaled } from '../parameters/parameter.ts'
import { quantisedWeights } from '../parameters/quantised.ts'

/** The matrix of a linear layer: `[in, out]`, or `[out, in]` if `isTransposed`. */
export interface Matrix {
  /** A value of the graph, or integers with their scales. */
  readonly form: { readonly kind: 'value'; readonly name: string } | Scaled
  readonly isTransposed: boolean
  readonly factor: number
}

/** Operators that multiply an activation, their first input, with packed or quantised weights. */
const PACKED_PRODUCTS = new Set(['MatMulNBits', 'MatMulBnb4', 'DynamicQuantizeMatMul', 'MatMulIntegerToFloat', 'QGemm'])

/** The index of the input that is a product's right factor, by operator. */
const RIGHT: Readonly<Record<string, number>> = {
  MatMul: 1,
  FusedMatMul: 1,
  Gemm: 1,
  FusedGemm: 1,
  MatMulInteger: 1,
  QLinearMatMul: 3,
}

/** A graph, and which of its values are computed from weights alone. */
export interface Constants {
  readonly graph: OnnxGraph
  isConstant(value: string): boolean
}

/** Whether a node is a linear layer: a product of an activation with weights. */
export function isProjection(constants: Constants, node: GraphNode): boolean {
  if (PACKED_PRODUCTS.has(node.opType)) return true
  const right = RIGHT[node.opType]
  return right !== undefined && constants.isConstant(node.inputs[right]) && !constants.isConstant(node.inputs[0])
}

/** Both factors of a node that multiplies two activations; undefined for every other node. */
export function factorsOf(constants: Constants, node: GraphNode): readonly [string, string] | undefined {
  const right = RIGHT[node.opType]
  if (right === undefined) return undefined
  const [a, b] = [node.inputs[0], node.inputs[right]]
  return constants.isConstant(a) || constants.isConstant(b) ? undefined : [a, b]
}

/** The matrix of a linear layer; undefined if the file packs it in a way that is not known. */
export function matrixOf(constants: Constants, node: GraphNode): Matrix | undefined {
  const attributes = new Attributes(node.proto)
  const isTransposed = attributes.int('transB', 0) === 1
  const factor = attributes.float('alpha', 1)
  const [quantised] = quantisedWeights(constants.graph, node)
  // MatMulNBits has the transposed matrix, as PyTorch's Linear has.
  if (quantised) return { form: quantised.form, isTransposed: isTransposed || node.opType === 'MatMulNBits', factor: 1 }
  if (PACKED_PRODUCTS.has(node.opType) || node.opType === 'MatMulInteger' || node.opType === 'QLinearMatMul')
    return undefined
  return { form: { kind: 'value', name: node.inputs[RIGHT[node.opType]] }, isTransposed, factor }
}
