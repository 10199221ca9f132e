import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { GraphNode, OnnxGraph } from '../../onnx/graph.ts'
import type { Acts, Parameter, Plain, Scaled } from './parameter.ts'
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

/** What quantisers and packers add to a weight's name. */
const ADDED = /(_quantized|_quant|_Q\d+(G\d+)?|\.qweight|_packed)$/

/** The classic exporter turns a Linear's matrix around and gives it a name of its own; onnxruntime-genai's builder says the operator. */
const TURNED = /^onnx::MatMul_\d+$|\.MatMul\.weight$/

/** What modules act with that no initializer under its own name is. */
export function findParameters(graph: OnnxGraph): Found[] {
  return graph.nodes.flatMap(asInFile).flatMap(node => {
    const quantised = quantisedWeights(graph, node)
    if (quantised.length > 0) return quantised.map(({ form, acts }) => ofIntegers(graph, node, form, acts))
    const found = ofFloats(graph, node)
    return found ? [found] : []
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
    const name = found.initializer.replace(ADDED, '')
    const isSecond = node.opType === 'MatMul' && slot === 1 && found.dims.length === 2
    const isTransposed = isSecond && found.turns === 0 && TURNED.test(name)
    const form: Plain = { kind: 'value', name: found.value, dims: found.dims }
    return {
      node,
      name,
      parameter: {
        form,
        isTransposed,
        dims: isTransposed ? found.dims.toReversed() : found.dims,
        stored: found.stored,
        note: found.note,
        acts: undefined,
      },
    }
  }
  return undefined
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
