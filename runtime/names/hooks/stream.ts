import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Attention } from '../heads/attention.ts'
import type { Flow } from '../heads/flow.ts'
import { isProjection } from '../heads/projection.ts'

/** Values of one layer, by what they are to the residual stream. Undefined for those that the layer does not have. */
export interface BlockValues {
  /** What the layer reads of the stream. */
  readonly before: string | undefined
  /** What attention adds, after a norm of its own result if there is one. */
  readonly attention: string | undefined
  /** The stream between attention and MLP. */
  readonly middle: string | undefined
  /** The norm of `middle`, where the stream goes on from that: BERT. */
  readonly normalisedMiddle: string | undefined
  readonly mlp: string | undefined
  /** The stream that the layer leaves, before a norm that BERT applies to it. */
  readonly after: string | undefined
}

/** Of a layer whose sums were not found. */
export const NOTHING_KNOWN: BlockValues = {
  before: undefined,
  attention: undefined,
  middle: undefined,
  normalisedMiddle: undefined,
  mlp: undefined,
  after: undefined,
}

/**
 * Follows the residual stream (Elhage et al. 2021, A Mathematical Framework for Transformer Circuits) through a layer: a sum of the stream
 * with what attention computes from it, and a sum with what the MLP does. Where both are computed from the same stream and added together,
 * as in GPT-J, there is no stream between them.
 * @param cross the cross-attention of the same layer @param end the node before which the next layer's attention lies
 */
export function followBlock(flow: Flow, attention: Attention, cross: Attention | undefined, end: number): BlockValues {
  const { nodes } = flow.graph
  const sum = attention.out && attentionSum(flow, attention, end)
  if (!sum) return NOTHING_KNOWN
  if (sum.beside !== undefined)
    return {
      ...NOTHING_KNOWN,
      before: sum.stream,
      attention: sum.branch,
      mlp: sum.beside,
      after: sum.node.outputs[0],
    }
  const crossSum = cross?.out && attentionSum(flow, cross, end)
  const last = crossSum?.node ?? sum.node
  const found = mlpSum(flow, last.outputs[0], nodes.slice(last.index + 1, end))
  const middle = sum.node.outputs[0]
  return {
    before: sum.stream,
    attention: sum.branch,
    middle,
    normalisedMiddle: found && found.stream !== last.outputs[0] ? found.stream : undefined,
    mlp: found?.branch,
    after: found ? found.node.outputs[0] : last.outputs[0],
  }
}

interface Sum {
  readonly node: GraphNode
  readonly stream: string
  readonly branch: string
  /** What the MLP adds, if it is added to the branch first. */
  readonly beside?: string
}

/** The sum of what attention computes with the stream that its queries come from. */
function attentionSum(flow: Flow, attention: Attention, end: number): Sum | undefined {
  const from = flow.makerOf(attention.out!.output)
  const query = attention.places.get('q')?.value
  if (!from || query === undefined) return undefined
  const sources = flow.before(query)
  const after = new Set(from.outputs)
  let branch: string | undefined
  let beside: string | undefined
  for (const node of flow.graph.nodes.slice(from.index + 1, end)) {
    const reads = node.inputs.filter(name => after.has(name))
    if (reads.length === 0) continue
    for (const name of node.outputs) after.add(name)
    if (node.opType !== 'Add' || reads.length !== 1 || flow.activations(node).length !== 2) continue
    const [other] = node.inputs.filter(name => !after.has(name))
    if (other === undefined) continue
    if (sources.has(other))
      return { node, stream: other, branch: branch ?? reads[0], ...(beside === undefined ? {} : { beside }) }
    branch ??= reads[0]
    beside ??= other
  }
  return undefined
}

/** The sum of the stream, or of its norm, with what was computed from it by a linear layer. */
function mlpSum(flow: Flow, stream: string, nodes: readonly GraphNode[]): Sum | undefined {
  const near = new Set([stream])
  const far = new Set<string>()
  for (const node of nodes) {
    const reads = node.inputs.filter(name => near.has(name) || far.has(name))
    if (reads.length === 0) continue
    const [a, b] = reads
    const isSum = node.opType === 'Add' && reads.length === 2 && near.has(a) !== near.has(b)
    if (isSum) return { node, stream: near.has(a) ? a : b, branch: near.has(a) ? b : a }
    const isFar = isProjection(flow, node) || reads.some(name => far.has(name)) || /MoE$/.test(node.opType)
    for (const name of node.outputs) (isFar ? far : near).add(name)
  }
  return undefined
}
