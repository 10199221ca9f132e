import { Attributes } from '../../onnx/expansions/attributes.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Flow } from '../heads/flow.ts'
import { isProjection } from '../heads/projection.ts'

/** Norms that may be one node in the graph: as a plain node of a `Skip…` operator, they are not written out further. */
const FUSED_NORMS = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization'])

/** A norm that one node computes. No value holds its scale, nor, for an RMSNorm, the result before its weight. */
export interface FusedNorm {
  readonly node: GraphNode
  readonly isCentred: boolean
  readonly epsilon: number
}

/** A norm's parts. */
export interface NormValues {
  /** The divisor of the value: the standard deviation, or the root of the mean square. */
  readonly scale: string
  /** The result, in TransformerLens's sense: for a LayerNorm with its weight and bias, for an RMSNorm before its weight. */
  readonly normalised: string
}

/** The norm between two values, which is found by the first square root between them, in running order. */
export function normBetween(flow: Flow, from: string, to: string): NormValues | FusedNorm | undefined {
  const between = nodesBetween(flow, from, to)
  const root = between.find(({ opType }) => opType === 'Sqrt')
  if (!root) {
    const node = between.find(({ opType }) => FUSED_NORMS.has(opType))
    if (!node) return undefined
    const isCentred = node.opType === 'LayerNormalization'
    return { node, isCentred, epsilon: new Attributes(node.proto).float('epsilon', 1e-5) }
  }
  let divides: GraphNode | undefined = root
  do {
    const readers: readonly GraphNode[] = flow.readersOf(divides.outputs[0])
    divides = readers.find(node => between.includes(node))
  } while (divides && /^(Reciprocal|Cast)$/.test(divides.opType))
  const unit = divides && /^(Div|Mul)$/.test(divides.opType) ? divides : undefined
  const inverse = divides?.opType === 'Div' && divides.inputs[1] !== root.outputs[0] ? divides : undefined
  // A division may compute 1 / root. Then the node after it multiplies the value with that.
  const whole = inverse && flow.isConstant(inverse.inputs[0]) ? flow.readersOf(inverse.outputs[0])[0] : unit
  if (!whole) return undefined
  const isCentred = between.some(({ opType }) => opType === 'Sub')
  return { scale: root.outputs[0], normalised: isCentred ? scaled(flow, whole.outputs[0]) : whole.outputs[0] }
}

/** The value after a weight and a bias, as far as these follow. */
function scaled(flow: Flow, value: string): string {
  let current = value
  for (const opType of ['Mul', 'Add']) {
    for (;;) {
      const [node, ...others] = flow.readersOf(current)
      if (others.length > 0 || node?.opType !== 'Cast') break
      ;[current] = node.outputs
    }
    const [node, ...others] = flow.readersOf(current)
    if (others.length > 0 || node?.opType !== opType || !node.inputs.some(name => flow.isConstant(name))) break
    ;[current] = node.outputs
  }
  return current
}

/** The nodes that compute one value from another, in running order. */
function nodesBetween(flow: Flow, from: string, to: string): GraphNode[] {
  const values = [...flow.before(to, name => name === from)].filter(name => name !== from)
  return [...new Set(values.flatMap(name => flow.makerOf(name) ?? []))].sort((a, b) => a.index - b.index)
}

/** The input of the linear layer that makes a value, before this input is quantised or reshaped for the layer. */
export function inputOfProjection(flow: Flow, value: string): string | undefined {
  const way = flow.wayBack(value)
  const node = flow.makerOf(way[way.length - 1].value)
  if (!node || !isProjection(flow, node)) return undefined
  let [input] = node.inputs
  for (;;) {
    const maker = flow.makerOf(input)
    if (!maker || !/^(Reshape|QuantizeLinear|DynamicQuantizeLinear|DequantizeLinear|Cast)$/.test(maker.opType))
      return input
    ;[input] = maker.inputs
  }
}

/** The parts of an MLP. */
export interface MlpValues {
  /** The input of the last linear layer: after the activation, and after the product with a gate. */
  readonly post: string
  /** The result of the first linear layer, with its bias, before the activation. */
  readonly pre: string | undefined
  /** The other factor of a gated MLP. */
  readonly preLinear: string | undefined
}

export function mlpValues(flow: Flow, added: string): MlpValues | undefined {
  const post = inputOfProjection(flow, added)
  const node = post === undefined ? undefined : flow.makerOf(post)
  if (post === undefined || !node) return undefined
  const factors = node.opType === 'Mul' ? flow.activations(node) : []
  if (factors.length === 2) {
    const ways = factors.map(factor => flow.wayBack(factor).map(({ value }) => value))
    const own = ways.map((way, i) => way.filter(value => !ways[1 - i].includes(value)))
    // Both factors of a plain GELU come from one linear layer. Those of a gated MLP come from two, or from two parts of one.
    const ends = own.map(way => (isOwnEnd(flow, way.at(-1)) ? linear(flow, way) : undefined))
    const direct = own.findIndex((way, i) => ends[i] !== undefined && way[0] === ends[i])
    if (direct >= 0 && ends[1 - direct] !== undefined) return { post, pre: ends[1 - direct], preLinear: ends[direct] }
  }
  return {
    post,
    pre: linear(
      flow,
      flow.wayBack(post).map(({ value }) => value),
    ),
    preLinear: undefined,
  }
}

function isOwnEnd(flow: Flow, value: string | undefined): boolean {
  const node = value === undefined ? undefined : flow.makerOf(value)
  return node !== undefined && (isProjection(flow, node) || /^(Split|Slice|Gather)$/.test(node.opType))
}

/** The linear layer's result at the end of a way, with its bias and in the dims of the way's first value. */
function linear(flow: Flow, way: readonly string[]): string | undefined {
  let at = way.length - 1
  while (at > 0) {
    const node = flow.makerOf(way[at - 1])
    const isBias = node?.opType === 'Add' && node.inputs.some(name => flow.isConstant(name))
    const isScale =
      node?.opType === 'Mul' && flow.activations(node).length === 1 && !node.inputs.some(name => flow.isConstant(name))
    if (!node || !(isBias || isScale || /^(Reshape|Cast|DequantizeLinear)$/.test(node.opType))) break
    at--
  }
  return way[at]
}

/** The embeddings whose sum is the input of the first layer. */
export interface EmbeddingValues {
  readonly tokens: string | undefined
  readonly positions: string | undefined
  /** The embeddings of BERT's segments. */
  readonly types: string | undefined
}

export function embeddingValues(flow: Flow, first: string): EmbeddingValues {
  const byIds: { readonly value: string; readonly rows: number }[] = []
  let positions: string | undefined
  const seen = new Set<string>()
  const open = [first]
  for (let name = open.shift(); name !== undefined; name = open.shift()) {
    const node = flow.makerOf(name)
    if (!node || seen.has(name)) continue
    seen.add(name)
    const isRows = /^Gather(BlockQuantized)?$/.test(node.opType) && flow.isConstant(node.inputs[0])
    if (!isRows) open.push(...node.inputs.filter(input => input !== '' && !flow.graph.initializers.has(input)))
    else if (flow.activations(node).length === 0) positions ??= dequantised(flow, name)
    else
      byIds.push({
        value: dequantised(flow, name),
        rows: Number(flow.graph.initializers.get(node.inputs[0])?.dims[0] ?? 0),
      })
  }
  // There are more tokens than kinds of segments.
  const [tokens, types] = byIds.sort((a, b) => b.rows - a.rows)
  return { tokens: tokens?.value, positions, types: types?.value }
}

/** The rows of a table after they are dequantised, if the table is quantised. */
function dequantised(flow: Flow, rows: string): string {
  const [node, ...others] = flow.readersOf(rows)
  return others.length === 0 && node?.opType === 'DequantizeLinear' ? node.outputs[0] : rows
}
