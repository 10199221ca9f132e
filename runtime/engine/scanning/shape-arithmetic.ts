import { readsShapeOnly } from '../../names/derived.ts'
import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Weights } from '../sessions/weights.ts'

/** Constants with more bytes are taken for weights, not for sizes. */
const MAX_CONSTANT_BYTES = 4096

/** Operations that no size depends on here: random ones, those with bodies, and those that do the model's real work. */
const EXCLUDED =
  /^(If|Loop|Scan|(Conv|MatMul|Gemm|Einsum|LSTM|GRU|RNN|Attention|.*Pool$|Random|Bernoulli|Multinomial|Sequence).*)$/

/** Indices of the inputs that are sizes, by operator: the result's dims depend on their elements. */
const SIZE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  Slice: [1, 2, 3, 4],
  Tile: [1],
  Split: [1],
  Squeeze: [1],
  Unsqueeze: [1],
  Pad: [1, 3],
  Resize: [2, 3],
  Upsample: [1],
  TopK: [1],
  OneHot: [1],
  CenterCropPad: [1],
  ReduceSum: [1],
  ReduceMean: [1],
  ReduceMax: [1],
  ReduceMin: [1],
  // total_sequence_length is a dim of the present cache. onnxruntime infers it wrongly if it is computed in the graph.
  GroupQueryAttention: [6],
}

export function intAttribute({ proto }: GraphNode, name: string): number | undefined {
  const attribute = proto.attribute.find(item => item.name === name)
  return attribute && Number(attribute.i)
}

/** The part of a graph that depends on dims and small constants only. */
export class ShapeArithmetic {
  readonly #graph: OnnxGraph
  readonly #weights: Weights
  readonly #fixed: ReadonlySet<string>
  readonly #sizes: readonly string[]

  constructor(graph: OnnxGraph, weights: Weights) {
    this.#graph = graph
    this.#weights = weights
    this.#fixed = fixedValues(graph, weights)
    const sizes = graph.nodes.flatMap(node => (SIZE_INPUTS[node.opType] ?? []).map(at => node.inputs[at] ?? ''))
    this.#sizes = [...new Set(sizes)].filter(name => this.#fixed.has(name))
  }

  /** Whether a value depends on dims and small constants only. */
  isFixed(name: string): boolean {
    return this.#fixed.has(name)
  }

  /** The nodes that compute the graph's sizes and the values `others`, in running order. */
  nodesFor(others: readonly string[]): GraphNode[] {
    const nodes = new Set<GraphNode>()
    const open = [...this.#sizes, ...others]
    while (open.length > 0) {
      const node = this.#graph.producer.get(open.pop()!)?.node
      if (!node || !this.#fixed.has(node.outputs[0]) || nodes.has(node)) continue
      nodes.add(node)
      if (!readsShapeOnly(node)) open.push(...node.inputs, ...node.captures)
    }
    return [...nodes].sort((a, b) => a.index - b.index)
  }

  /** Whether it is a constant that is small enough for a size. */
  isSmall(name: string): boolean {
    return this.#weights.has(name) && this.#weights.externalBytes(name) <= MAX_CONSTANT_BYTES
  }
}

/** Values that depend on dims and small constants only. */
function fixedValues(graph: OnnxGraph, weights: Weights): ReadonlySet<string> {
  const fixed = new Set<string>()
  for (const node of graph.nodes) {
    if (node.domain !== '' || EXCLUDED.test(node.opType)) continue
    const reads = [...node.inputs, ...node.captures].filter(name => name !== '')
    const comesFromFixed = (name: string): boolean =>
      fixed.has(name) || (weights.has(name) && weights.externalBytes(name) <= MAX_CONSTANT_BYTES)
    if (readsShapeOnly(node) || reads.every(comesFromFixed)) for (const name of node.outputs) fixed.add(name)
  }
  return fixed
}
