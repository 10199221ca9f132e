import type { GraphNode } from '../../onnx/graph/node.ts'
import type { Attention } from '../heads/attention.ts'
import type { Flow } from '../heads/flow.ts'
import { isProjection } from '../heads/projection.ts'

/** The values of one layer, by their place in the residual stream. Those that the layer does not have are undefined. */
export interface BlockValues {
  /** The stream as the layer reads it. */
  readonly before: string | undefined
  /** What attention adds, after a norm of its own result if there is one. */
  readonly attention: string | undefined
  /** The stream between attention and MLP. */
  readonly middle: string | undefined
  /** The norm of `middle`, if the stream continues from it, as in BERT. */
  readonly normalisedMiddle: string | undefined
  readonly mlp: string | undefined
  /** The stream after the layer, before a norm that BERT applies to it. */
  readonly after: string | undefined
  /** Whether the MLP computes with batch and token in one axis, as OPT does. */
  readonly isFlat: boolean
}

/** The values of a layer whose sums were not found. */
export const NOTHING_KNOWN: BlockValues = {
  before: undefined,
  attention: undefined,
  middle: undefined,
  normalisedMiddle: undefined,
  mlp: undefined,
  after: undefined,
  isFlat: false,
}

/**
 * Follows the residual stream (Elhage et al. 2021, A Mathematical Framework for Transformer Circuits) through a layer: to its sum with what
 * attention computes from it, and to its sum with what the MLP computes. If both are computed from the same stream and added together, as in
 * GPT-J, there is no stream between them.
 * @param cross the cross-attention of the same layer @param end the index of the next layer's attention node
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
  const stream = found && beforeReshape(flow, found.stream)
  const after = found ? found.node.outputs[0] : last.outputs[0]
  const isFlat = stream !== found?.stream
  return {
    before: sum.stream,
    attention: sum.branch,
    middle,
    normalisedMiddle: stream === last.outputs[0] ? undefined : stream,
    mlp: found?.branch,
    after: isFlat ? afterReshape(flow, after) : after,
    isFlat,
  }
}

function beforeReshape(flow: Flow, value: string): string {
  const node = flow.makerOf(value)
  return node?.opType === 'Reshape' ? node.inputs[0] : value
}

/** The value after a reshape that nothing else reads beside; the value itself if there is none. */
function afterReshape(flow: Flow, value: string): string {
  const [node, ...others] = flow.readersOf(value)
  return node?.opType === 'Reshape' && others.length === 0 ? node.outputs[0] : value
}

interface Sum {
  readonly node: GraphNode
  readonly stream: string
  readonly branch: string
  /** What the MLP adds, if it is added to the branch first. */
  readonly beside?: string
}

/** The sum of attention's result with the stream from which its queries are computed. */
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

/** The sum of the stream, or of its norm, with a value that linear layers computed from it. */
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
