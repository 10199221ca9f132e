import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Acts, Parameter, Scaled } from './parameter.ts'
import { quantisedWeights } from './quantised.ts'

/** A parameter, the node that acts with it, and what its file calls it. */
export interface Found {
  readonly node: GraphNode
  /** `onnx::MatMul_123`, `model.layers.0.mlp.up_proj.MatMul.weight`: without what a quantiser added. */
  readonly name: string
  readonly parameter: Parameter
}

/** Where operators have a matrix of weights, if they have one: others are activations. */
const SLOTS: Readonly<Record<string, readonly number[]>> = {
  MatMul: [1, 0],
  FusedMatMul: [1],
  Gemm: [1],
  FusedGemm: [1],
  Conv: [1],
  FusedConv: [1],
  ConvTranspose: [1],
  Gather: [0],
}

/** What quantisers, packers and what merges two decoders into one add to a weight's name. */
const ADDED = /(_quantized|_quant|_Q\d+(G\d+)?|\.qweight|_packed|_merged_\d+)+$/

/** Exporters of PyTorch turn a Linear's matrix around and give it a name of their own; onnxruntime-genai's builder says the operator. */
const TURNED = /^(onnx::MatMul|val)_\d+$|\.MatMul\.weight$/

/** What modules act with that no initializer under its own name is. */
export function findParameters(graph: OnnxGraph): Found[] {
  return graph.nodes.flatMap(asInFile).flatMap(node => {
    const quantised = quantisedWeights(graph, node)
    if (quantised.length > 0) return quantised.map(({ form, acts }) => ofIntegers(graph, node, form, acts))
    const found = ofFloats(graph, node)
    const beside = dequantisedBeside(graph, node)
    return found
      ? [found, ...beside.filter(({ parameter }) => parameter.stored[0] !== found.parameter.stored[0])]
      : beside
  })
}

/** A node, and before the first part of a fused node that one too. */
const asInFile = (node: GraphNode): GraphNode[] =>
  node.cluster?.nodes[0] === node ? [node.cluster.fused, node] : [node]

function ofIntegers(graph: OnnxGraph, node: GraphNode, form: Scaled, acts: Acts | undefined): Found {
  const name = form.data.replace(ADDED, '')
  const isTransposed = form.dims.length === 2 && TURNED.test(name) && node.opType !== 'MatMulNBits'
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
      acts,
    },
  }
}

/** TensorProto.DataType.UINT4 and INT4. */
const INT4 = new Set([21, 22])

function ofFloats(graph: OnnxGraph, node: GraphNode): Found | undefined {
  for (const slot of (node.domain === '' || node.domain === 'com.microsoft' ? SLOTS[node.opType] : undefined) ?? []) {
    const found = back(graph, node.inputs[slot])
    if (!found) continue
    const isSecond = node.opType === 'MatMul' && slot === 1 && found.dims.length === 2
    const isTransposed = isSecond && found.turns === 0 && TURNED.test(found.initializer.replace(ADDED, ''))
    return asValue(node, found, isTransposed)
  }
  return undefined
}

/** What a node reads beside its matrix, a bias say, as numbers made of stored integers. */
function dequantisedBeside(graph: OnnxGraph, node: GraphNode): Found[] {
  if (node.opType === 'DequantizeLinear') return []
  return node.inputs.flatMap(input => {
    const maker = graph.producer.get(input)?.node
    const origin = maker?.opType === 'DequantizeLinear' ? integersBehind(graph, maker, input, 0) : undefined
    return origin ? [asValue(node, origin, false)] : []
  })
}

function asValue(node: GraphNode, origin: Origin, isTransposed: boolean): Found {
  const { initializer, value, dims, stored, note } = origin
  return {
    node,
    name: initializer.replace(ADDED, ''),
    parameter: {
      form: { kind: 'value', name: value, dims },
      isTransposed,
      dims: isTransposed ? dims.toReversed() : dims,
      stored,
      note,
      acts: undefined,
    },
  }
}

interface Origin {
  readonly initializer: string
  /** The value that is the matrix: the initializer itself, or what a DequantizeLinear makes of it. */
  readonly value: string
  readonly stored: readonly string[]
  readonly dims: readonly number[]
  /** How often it is turned around on the way. */
  readonly turns: number
  readonly note: string
}

/** From what a product reads to the initializer that it comes from. */
function back(graph: OnnxGraph, name: string | undefined): Origin | undefined {
  let turns = 0
  let value = name
  for (;;) {
    if (!value) return undefined
    const tensor = graph.initializers.get(value)
    const dims = tensor?.dims.map(Number)
    if (dims) return { initializer: value, value, stored: [value], dims, turns, note: '' }
    const node = graph.producer.get(value)?.node
    if (node?.domain !== '') return undefined
    if (node.opType === 'DequantizeLinear') return integersBehind(graph, node, value, turns)
    if (node.opType === 'Transpose') {
      const perm = new Attributes(node.proto).ints('perm')
      if (perm && String(perm) !== '1,0') return undefined
      turns++
    } else if (node.opType !== 'Identity' && node.opType !== 'Cast') return undefined
    value = node.inputs[0]
  }
}

function integersBehind(graph: OnnxGraph, node: GraphNode, value: string, turns: number): Origin | undefined {
  const [data] = node.inputs
  const tensor = graph.initializers.get(data)
  if (!tensor) return undefined
  return {
    initializer: data,
    value,
    stored: node.inputs.filter(input => graph.initializers.has(input)),
    dims: tensor.dims.map(Number),
    turns,
    note: INT4.has(tensor.dataType) ? '4 bits' : '8 bits',
  }
}
