import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Scaled, WeightUse } from './parameter.ts'

/** A node's quantised weight, and its index among the node's inputs. */
export interface Quantised {
  readonly input: number
  readonly form: Scaled
  readonly use: WeightUse | undefined
}

type Rule = (graph: OnnxGraph, node: GraphNode) => readonly (Quantised | undefined)[]

/** How to find the weights of each operator (microsoft/onnxruntime, docs/ContribOperators.md). */
const RULES: Readonly<Record<string, Rule>> = {
  MatMulNBits: (graph, node) => [packedProduct(graph, node)],
  GatherBlockQuantized: (graph, node) => [packedRows(graph, node)],
  QMoE: (graph, node) => [2, 5, 8].map((slot, i) => packedExperts(graph, node, slot, 11 + i)),
  MatMulInteger: (graph, node) => [integerProduct(graph, node)],
  ConvInteger: (graph, node) => [integerConvolution(graph, node)],
  DynamicQuantizeMatMul: (graph, node) => [
    scaledWeight(graph, node, [1, 2, 3], 1, productOf(node, node, node.inputs[4])),
  ],
  MatMulIntegerToFloat: (graph, node) => [scaledWeight(graph, node, [1, 3, 5], 1)],
  QLinearMatMul: (graph, node) => [scaledWeight(graph, node, [3, 4, 5], -1)],
  QGemm: (graph, node) => [
    scaledWeight(graph, node, [3, 4, 5], new Attributes(node.proto).int('transB', 0) === 1 ? 0 : 1),
  ],
  QLinearConv: (graph, node) => [scaledWeight(graph, node, [3, 4, 5], 0)],
  QLinearAdd: (graph, node) => [scaledWeight(graph, node, [0, 1, 2], -1), scaledWeight(graph, node, [3, 4, 5], -1)],
  QLinearMul: (graph, node) => [scaledWeight(graph, node, [0, 1, 2], -1), scaledWeight(graph, node, [3, 4, 5], -1)],
  QAttention: (graph, node) => [scaledWeight(graph, node, [1, 4, 7], 1)],
  QEmbedLayerNormalization: (graph, node) => [
    scaledWeight(graph, node, [2, 8, 13], 0),
    scaledWeight(graph, node, [3, 9, 14], 0),
    scaledWeight(graph, node, [4, 10, 15], 0),
    scaledWeight(graph, node, [5, 11, 16], 0),
    scaledWeight(graph, node, [6, 12, 17], 0),
  ],
  Gather: (graph, node) => [quantisedRows(graph, node)],
}

/** The quantised weights of a node; [] if it has none. */
export function quantisedWeights(graph: OnnxGraph, node: GraphNode): readonly Quantised[] {
  if (node.domain !== '' && node.domain !== 'com.microsoft') return []
  return (RULES[node.opType]?.(graph, node) ?? []).filter(found => found !== undefined)
}

const dimsOf = (graph: OnnxGraph, name: string | undefined): number[] | undefined =>
  name ? graph.initializers.get(name)?.dims.map(Number) : undefined

/** A product of the first input of `reader`. Its result is the first output of `node`, which is `reader` or a later node. */
const productOf = (reader: GraphNode, node: GraphNode, bias?: string): WeightUse => ({
  as: 'product',
  input: reader.inputs[0],
  reader,
  output: node.outputs[0],
  node,
  isTransposed: node.opType === 'MatMulNBits',
  quantised: undefined,
  bias: bias || undefined,
  axis: 0,
})

const rowsOf = (reader: GraphNode, node: GraphNode, axis: number): WeightUse => ({
  as: 'rows',
  input: reader.inputs[1],
  reader,
  output: node.outputs[0],
  node,
  isTransposed: false,
  quantised: undefined,
  bias: undefined,
  axis,
})

/** Whether all of these inputs are initializers, or left out. */
function areStored(graph: OnnxGraph, names: readonly (string | undefined)[]): boolean {
  return names.every(name => !name || graph.initializers.has(name))
}

/** Makes left-out inputs, whose names are empty or missing, undefined. */
const formOf = (parts: Omit<Scaled, 'kind'>): Scaled => ({
  ...parts,
  kind: 'scaled',
  zeroPoint: parts.zeroPoint || undefined,
  order: parts.order || undefined,
})

/** Data `[out, blocks, bytes of a block]`, one scale for each block along the axis that the product sums over. */
function packedProduct(graph: OnnxGraph, node: GraphNode): Quantised | undefined {
  const [, data, scale, zeroPoint, order, bias] = node.inputs
  const attributes = new Attributes(node.proto)
  const bits = attributes.int('bits', 4)
  const dims = [attributes.int('N', 0), attributes.int('K', 0)]
  if (!areStored(graph, [data, scale, zeroPoint, order]) || ![2, 4, 8].includes(bits)) return undefined
  // There is no matrix to show if the weights have the layout of one machine's kernel, or if the kernel ignores the zero points.
  if (attributes.int('weight_prepacked', 0) !== 0 || (order && zeroPoint)) return undefined
  return {
    input: 1,
    form: formOf({
      data,
      scale,
      zeroPoint,
      zero: 2 ** (bits - 1),
      bits,
      dims,
      along: { axis: 1, block: attributes.int('block_size', 32) },
      order,
    }),
    use: productOf(node, node, bias),
  }
}

/** A byte of uint8 data holds several integers along the last axis; each element of int4 and uint4 data is one. */
function packedRows(graph: OnnxGraph, node: GraphNode): Quantised | undefined {
  const [data, , scale, zeroPoint] = node.inputs
  const stored = dimsOf(graph, data)
  if (!stored || !areStored(graph, [scale, zeroPoint])) return undefined
  const attributes = new Attributes(node.proto)
  const isBytes = graph.initializers.get(data)?.dataType === UINT8
  const bits = isBytes ? attributes.int('bits', 4) : 8
  const axis = attributes.int('quantize_axis', 1)
  return {
    input: 0,
    form: formOf({
      data,
      scale,
      zeroPoint,
      zero: isBytes ? 2 ** (bits - 1) : 0,
      bits,
      dims: widened(stored, 8 / bits),
      along: { axis: axis < 0 ? axis + stored.length : axis, block: attributes.int('block_size', 128) },
      order: undefined,
    }),
    use: rowsOf(node, node, attributes.int('gather_axis', 0)),
  }
}

/** TensorProto.DataType.UINT8. */
const UINT8 = 2

const widened = (dims: readonly number[], times: number): number[] => [
  ...dims.slice(0, -1),
  dims[dims.length - 1] * times,
]

/** A matrix `[experts, out, in]`, with one scale for each row or for each block of a row. */
function packedExperts(graph: OnnxGraph, node: GraphNode, slot: number, zeroInput: number): Quantised | undefined {
  const [data, scale, zeroPoint] = [node.inputs[slot], node.inputs[slot + 1], node.inputs[zeroInput]]
  const stored = dimsOf(graph, data)
  const scales = dimsOf(graph, scale)
  if (!stored || !scales || !areStored(graph, [zeroPoint])) return undefined
  const attributes = new Attributes(node.proto)
  const bits = attributes.int(`fc${(slot + 1) / 3}_expert_weight_bits`, attributes.int('expert_weight_bits', 4))
  if (![2, 4, 8].includes(bits)) return undefined
  const dims = widened(stored, 8 / bits)
  const blocks = scales.length === 3 ? scales[2] : 1
  if (zeroPoint && (blocks * bits) % 8 > 0) return undefined
  return {
    input: slot,
    form: formOf({
      data,
      scale,
      zeroPoint,
      zero: 2 ** (bits - 1),
      bits,
      dims,
      along: { axis: 2, block: scales.length === 3 ? attributes.int('block_size', dims[2]) : dims[2] },
      order: undefined,
    }),
    use: undefined,
  }
}

/** int8 or uint8 data with one scale, or one for each element along `axis`. */
function scaledWeight(
  graph: OnnxGraph,
  node: GraphNode,
  [data, scale, zeroPoint]: readonly [number, number, number],
  axis: number,
  use?: WeightUse,
): Quantised | undefined {
  const form = scaledBy(graph, node.inputs[data], node.inputs[scale], node.inputs[zeroPoint], axis)
  return form && { input: data, form, use }
}

function scaledBy(
  graph: OnnxGraph,
  data: string,
  scale: string | undefined,
  zeroPoint: string | undefined,
  axis: number,
): Scaled | undefined {
  const dims = dimsOf(graph, data)
  const scales = dimsOf(graph, scale)
  if (!dims || !scale || !scales || !areStored(graph, [zeroPoint])) return undefined
  const isOne = scales.every(dim => dim === 1)
  return formOf({
    data,
    scale,
    zeroPoint,
    zero: 0,
    bits: 8,
    dims,
    along: isOne ? undefined : { axis: axis < 0 ? axis + dims.length : axis, block: 1 },
    order: undefined,
  })
}

/**
 * A product as onnxruntime's dynamic quantisation writes it: DynamicQuantizeLinear, MatMulInteger, Cast, and a Mul by the scales of both
 * sides. Those are multiplied with each other first, or applied one after the other.
 */
function integerProduct(graph: OnnxGraph, node: GraphNode): Quantised | undefined {
  const [input, data, , zeroPoint] = node.inputs
  const found = scaleAfter(graph, node)
  const form = found && scaledBy(graph, data, found.scale, zeroPoint, -1)
  const quantiser = graph.producer.get(input)?.node
  if (!form) return undefined
  if (quantiser?.opType !== 'DynamicQuantizeLinear') return { input: 1, form, use: undefined }
  const [, scale, zero] = quantiser.outputs
  return { input: 1, form, use: { ...productOf(node, found.end), quantised: { scale, zeroPoint: zero } } }
}

function integerConvolution(graph: OnnxGraph, node: GraphNode): Quantised | undefined {
  const found = scaleAfter(graph, node)
  const form = found && scaledBy(graph, node.inputs[1], found.scale, node.inputs[3], 0)
  return form && { input: 1, form, use: undefined }
}

/** The weight's scale, by which the integer result is multiplied, and the last node that multiplies. */
function scaleAfter(graph: OnnxGraph, node: GraphNode): { scale: string; end: GraphNode } | undefined {
  let value = node.outputs[0]
  let scale: string | undefined
  let end: GraphNode | undefined
  for (;;) {
    const readers = graph.consumers.get(value) ?? []
    const next = readers.length === 1 ? readers[0] : undefined
    if (!next || (next.opType !== 'Cast' && next.opType !== 'Mul')) break
    if (next.opType === 'Mul') {
      const other = next.inputs[next.inputs[0] === value ? 1 : 0]
      const found = storedFactor(graph, other)
      if (found && scale) break
      if (!found && !isScaleOfActivation(graph, other)) break
      scale ??= found
      end = next
    }
    value = next.outputs[0]
  }
  return scale && end ? { scale, end } : undefined
}

function storedFactor(graph: OnnxGraph, name: string): string | undefined {
  if (graph.initializers.has(name)) return name
  const maker = graph.producer.get(name)?.node
  if (maker?.opType !== 'Mul' || !maker.inputs.some(input => isScaleOfActivation(graph, input))) return undefined
  return maker.inputs.find(input => graph.initializers.has(input))
}

function isScaleOfActivation(graph: OnnxGraph, name: string): boolean {
  const producer = graph.producer.get(name)
  return producer?.node.opType === 'DynamicQuantizeLinear' && producer.output === 1
}

/** A Gather from quantised rows, whose reader dequantises them or takes their scale as an input. */
function quantisedRows(graph: OnnxGraph, node: GraphNode): Quantised | undefined {
  const readers = graph.consumers.get(node.outputs[0]) ?? []
  const [next] = readers
  const at = next?.inputs.indexOf(node.outputs[0])
  const isPair = next?.opType === 'DequantizeLinear' && at === 0
  if (readers.length !== 1 || !(isPair || /^QLinear(Add|Mul)$/.test(next.opType))) return undefined
  const form = scaledBy(graph, node.inputs[0], next.inputs[at + 1], next.inputs[at + 2], -1)
  if (!form || form.along) return undefined
  const use = isPair ? rowsOf(node, next, new Attributes(node.proto).int('axis', 0)) : undefined
  return { input: 0, form, use }
}
