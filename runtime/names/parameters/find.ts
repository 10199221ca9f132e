import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Parameter, Scaled, WeightUse } from './parameter.ts'
import { quantisedWeights } from './quantised.ts'

/** A parameter, the node that uses it, and its name in the file. */
export interface FoundParameter {
  readonly node: GraphNode
  /** `onnx::MatMul_123`, `model.layers.0.mlp.up_proj.MatMul.weight`: without the suffixes of quantisers. */
  readonly name: string
  readonly parameter: Parameter
}

/** Indices of the inputs that may be a weight matrix, by operator; any of them may be an activation instead. */
const WEIGHT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  MatMul: [1, 0],
  FusedMatMul: [1],
  Gemm: [1],
  FusedGemm: [1],
  Conv: [1],
  FusedConv: [1],
  ConvTranspose: [1],
  Gather: [0],
}

/** Suffixes that quantisers, packers and mergers of two decoders add to a weight's name. */
const ADDED_SUFFIX = /(_quantized|_quant|_Q\d+(G\d+)?|\.qweight|_packed|_merged_\d+)+$/

/** Names of transposed Linear matrices: PyTorch's exporters make up a name, onnxruntime-genai's builder appends the operator. */
const TRANSPOSED_NAME = /^(onnx::MatMul|val)_\d+$|\.MatMul\.weight$/

/** Parameters that are not stored as they are used: quantised, packed, transposed, or under another name. */
export function findParameters(graph: OnnxGraph): FoundParameter[] {
  return graph.nodes.flatMap(withFusedNode).flatMap(node => {
    const quantised = quantisedWeights(graph, node)
    if (quantised.length > 0) return quantised.map(({ form, use }) => quantisedParameter(graph, node, form, use))
    const found = floatParameter(graph, node)
    const others = otherDequantisedInputs(graph, node)
    return found
      ? [found, ...others.filter(({ parameter }) => parameter.stored[0] !== found.parameter.stored[0])]
      : others
  })
}

/** The node; before the first node of an expanded operator also the fused node. */
const withFusedNode = (node: GraphNode): GraphNode[] =>
  node.cluster?.nodes[0] === node ? [node.cluster.fused, node] : [node]

function quantisedParameter(
  graph: OnnxGraph,
  node: GraphNode,
  form: Scaled,
  use: WeightUse | undefined,
): FoundParameter {
  const name = form.data.replace(ADDED_SUFFIX, '')
  const isTransposed = form.dims.length === 2 && TRANSPOSED_NAME.test(name) && node.opType !== 'MatMulNBits'
  const bits = graph.initializers.get(form.data)
  const wide = bits && INT4.has(bits.dataType) ? 4 : form.bits
  return {
    node,
    name,
    parameter: {
      form,
      isTransposed,
      dims: isTransposed ? form.dims.toReversed() : form.dims,
      stored: [form.data, form.scale, form.zeroPoint, form.order].filter(part => part !== undefined),
      note: `${wide} bits`,
      use,
    },
  }
}

/** TensorProto.DataType.UINT4 and INT4. */
const INT4 = new Set([21, 22])

function floatParameter(graph: OnnxGraph, node: GraphNode): FoundParameter | undefined {
  for (const slot of (node.domain === '' || node.domain === 'com.microsoft' ? WEIGHT_INPUTS[node.opType] : undefined) ??
    []) {
    const found = originOf(graph, node.inputs[slot])
    if (!found) continue
    const isSecond = node.opType === 'MatMul' && slot === 1 && found.dims.length === 2
    const isTransposed =
      isSecond && found.transposes === 0 && TRANSPOSED_NAME.test(found.initializer.replace(ADDED_SUFFIX, ''))
    return valueParameter(node, found, isTransposed)
  }
  return undefined
}

/** Other inputs of the node, such as a bias, that a DequantizeLinear makes from stored integers. */
function otherDequantisedInputs(graph: OnnxGraph, node: GraphNode): FoundParameter[] {
  if (node.opType === 'DequantizeLinear') return []
  return node.inputs.flatMap(input => {
    const maker = graph.producer.get(input)?.node
    const origin = maker?.opType === 'DequantizeLinear' ? dequantisedOrigin(graph, maker, input, 0) : undefined
    return origin ? [valueParameter(node, origin, false)] : []
  })
}

function valueParameter(node: GraphNode, origin: Origin, isTransposed: boolean): FoundParameter {
  const { initializer, value, dims, stored, note } = origin
  return {
    node,
    name: initializer.replace(ADDED_SUFFIX, ''),
    parameter: {
      form: { kind: 'value', name: value, dims },
      isTransposed,
      dims: isTransposed ? dims.toReversed() : dims,
      stored,
      note,
      use: undefined,
    },
  }
}

interface Origin {
  readonly initializer: string
  /** The value that is the matrix: the initializer itself, or the result of its DequantizeLinear. */
  readonly value: string
  readonly stored: readonly string[]
  readonly dims: readonly number[]
  /** How many Transpose nodes lie between it and the product. */
  readonly transposes: number
  readonly note: string
}

/** Follows a product's input back to the initializer that it comes from. */
function originOf(graph: OnnxGraph, name: string | undefined): Origin | undefined {
  let turns = 0
  let value = name
  for (;;) {
    if (!value) return undefined
    const tensor = graph.initializers.get(value)
    const dims = tensor?.dims.map(Number)
    if (dims) return { initializer: value, value, stored: [value], dims, transposes: turns, note: '' }
    const node = graph.producer.get(value)?.node
    if (node?.domain !== '') return undefined
    if (node.opType === 'DequantizeLinear') return dequantisedOrigin(graph, node, value, turns)
    if (node.opType === 'Transpose') {
      const perm = new Attributes(node.proto).ints('perm')
      if (perm && String(perm) !== '1,0') return undefined
      turns++
    } else if (node.opType !== 'Identity' && node.opType !== 'Cast') return undefined
    value = node.inputs[0]
  }
}

function dequantisedOrigin(graph: OnnxGraph, node: GraphNode, value: string, turns: number): Origin | undefined {
  const [data] = node.inputs
  const tensor = graph.initializers.get(data)
  if (!tensor) return undefined
  return {
    initializer: data,
    value,
    stored: node.inputs.filter(input => graph.initializers.has(input)),
    dims: tensor.dims.map(Number),
    transposes: turns,
    note: INT4.has(tensor.dataType) ? '4 bits' : '8 bits',
  }
}
