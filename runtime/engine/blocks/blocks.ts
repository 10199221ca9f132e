import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { allReads } from '../../onnx/graph/node.ts'
import { sinkConstants } from './sink-constants.ts'

/** Neighbouring nodes in running order that one session can contain. */
export interface Part {
  /** Shown to users: its modules, `transformer.h.3`. */
  readonly label: string
  readonly nodes: readonly GraphNode[]
  /** Values made outside that its nodes read, without weights. */
  readonly inputs: readonly string[]
  /** Values made here that later blocks or the model's outputs read. */
  readonly outputs: readonly string[]
  /** Whether it contains a random node, so that equal inputs may give different outputs. */
  readonly random: boolean
}

/** The smallest part of a model with a session of its own. An intervention makes onnsight rebuild the blocks that it reaches inside only. */
export interface Block extends Part {
  readonly index: number
}

/** A layer of the model, in running order: the indices of its nodes. */
export interface Layer {
  readonly label: string
  readonly nodes: Iterable<number>
}

const randomOps = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
])

export const isRandom = ({ opType }: Pick<GraphNode, 'opType'>): boolean => randomOps.has(opType)

/**
 * Cuts the graph into blocks at its repeated layers: the nodes before the first layer, each layer, the nodes after the last. A graph
 * without layers is cut where few values cross. There are at most `blockCount` blocks; with 1 the whole graph is one block.
 */
export function cutBlocks(
  graph: OnnxGraph,
  layers: readonly Layer[],
  blockCount: number | undefined,
  isTensor: (value: string) => boolean,
): Block[] {
  if (graph.nodes.length === 0) return []
  let ranks =
    blockCount === 1
      ? graph.nodes.map(() => 0)
      : layers.length > 1
        ? ranksByLayer(graph, layers)
        : ranksByWidth(graph, blockCount)
  if (blockCount !== undefined && blockCount > 1 && layers.length > 1) ranks = group(ranks, blockCount)
  ranks = sinkConstants(graph, ranks, isRandom)
  ranks = joinAtNonTensors(graph, ranks, isTensor)
  return collect(graph, ranks, layers)
}

/** The rank of each node: its layer's, or that of its latest producer if that is higher, as a node can't run before what it reads. */
function ranksByLayer(graph: OnnxGraph, layers: readonly Layer[]): number[] {
  const own = new Map<number, number>()
  layers.forEach((layer, i) => {
    for (const node of layer.nodes) own.set(node, i + 1)
  })
  const last = layers.length
  const ranks: number[] = []
  const fromLast: boolean[] = []
  for (const node of graph.nodes) {
    const first = node.cluster?.nodes[0]
    if (first && first !== node) {
      // All nodes of a fused one are in one block.
      ranks[node.index] = ranks[first.index]
      fromLast[node.index] = fromLast[first.index]
      continue
    }
    let rank = own.get(node.index) ?? 0
    let pastLast = false
    for (const value of allReads(node)) {
      const producer = graph.producer.get(value)?.node
      if (!producer) continue
      rank = Math.max(rank, ranks[producer.index])
      pastLast ||= fromLast[producer.index]
    }
    const inLayer = own.has(node.index)
    if (!inLayer && pastLast) rank = last + 1
    ranks[node.index] = rank
    fromLast[node.index] = rank >= last
  }
  return ranks
}

/** Blocks of fewer nodes cost more than they save. */
const MIN_NODES = 24
const MAX_BLOCKS = 16

/** Cuts the running order into pieces of similar size. Each cut moves to the place nearby that the fewest values cross. */
function ranksByWidth(graph: OnnxGraph, blockCount?: number): number[] {
  const count = graph.nodes.length
  const pieces =
    blockCount === undefined
      ? Math.max(1, Math.min(MAX_BLOCKS, Math.floor(count / MIN_NODES)))
      : Math.min(blockCount, count)
  if (pieces === 1) return graph.nodes.map(() => 0)
  const crossing = crossings(graph)
  const size = count / pieces
  const cuts: number[] = []
  for (let piece = 1; piece < pieces; piece++) {
    const centre = Math.round(piece * size)
    const reach = Math.floor(size / 3)
    let best = centre
    for (let at = centre - reach; at <= centre + reach; at++) if (crossing[at] < crossing[best]) best = at
    // A fused node may have so many nodes that there is no cut within reach.
    while (best < count && crossing[best] === Number.POSITIVE_INFINITY) best++
    if (best < count && best > (cuts.at(-1) ?? 0)) cuts.push(best)
  }
  let rank = 0
  return graph.nodes.map((_, i) => {
    while (rank < cuts.length && i >= cuts[rank]) rank++
    return rank
  })
}

/** For each place in the running order: how many values are made before it and read at or after it; infinite inside a fused node. */
function crossings(graph: OnnxGraph): number[] {
  const lastUse = new Map<string, number>()
  for (const node of graph.nodes) for (const value of allReads(node)) lastUse.set(value, node.index)
  for (const output of graph.outputs) lastUse.set(output.name, graph.nodes.length)
  const change = new Array<number>(graph.nodes.length + 2).fill(0)
  for (const node of graph.nodes) {
    for (const value of node.outputs) {
      const last = lastUse.get(value)
      if (last === undefined || last >= graph.nodes.length) continue
      change[node.index + 1]++
      change[last + 1]--
    }
  }
  const counts: number[] = []
  let open = 0
  for (let at = 0; at <= graph.nodes.length; at++) {
    open += change[at]
    const cluster = graph.nodes[at]?.cluster
    counts.push(cluster && cluster.nodes[0].index < at ? Number.POSITIVE_INFINITY : open)
  }
  return counts
}

function group(ranks: readonly number[], blockCount: number): number[] {
  const count = Math.max(...ranks) + 1
  return ranks.map(rank => Math.floor((rank * Math.min(blockCount, count)) / count))
}

/** Joins blocks between which a sequence, a map or an optional would cross: only tensors can pass from session to session. */
function joinAtNonTensors(graph: OnnxGraph, ranks: readonly number[], isTensor: (value: string) => boolean): number[] {
  const joined = new Set<number>()
  for (const node of graph.nodes)
    for (const value of allReads(node)) {
      const maker = graph.producer.get(value)?.node
      if (!maker || ranks[maker.index] === ranks[node.index] || isTensor(value)) continue
      for (let rank = ranks[maker.index] + 1; rank <= ranks[node.index]; rank++) joined.add(rank)
    }
  if (joined.size === 0) return [...ranks]
  const start = (rank: number): number => (joined.has(rank) ? start(rank - 1) : rank)
  return ranks.map(start)
}

function collect(graph: OnnxGraph, ranks: readonly number[], layers: readonly Layer[]): Block[] {
  const used = [...new Set(ranks)].sort((a, b) => a - b)
  const position = new Map(used.map((rank, i) => [rank, i]))
  const blockOf = ranks.map(rank => position.get(rank)!)
  const nodes = used.map(() => [] as GraphNode[])
  for (const node of graph.nodes) nodes[blockOf[node.index]].push(node)

  const inputs = used.map(() => new Set<string>())
  const outputs = used.map(() => new Set<string>())
  for (const node of graph.nodes) {
    const block = blockOf[node.index]
    for (const value of allReads(node)) {
      if (!value || graph.initializers.has(value)) continue
      const producer = graph.producer.get(value)?.node
      if (producer && blockOf[producer.index] === block) continue
      inputs[block].add(value)
      if (producer) outputs[blockOf[producer.index]].add(value)
    }
  }
  for (const { name } of graph.outputs) {
    const producer = graph.producer.get(name)?.node
    if (producer) outputs[blockOf[producer.index]].add(name)
  }
  return used.map((_, index) => ({
    index,
    label: labelOf(nodes[index], layers, index, used.length),
    nodes: nodes[index],
    inputs: [...inputs[index]],
    outputs: [...outputs[index]],
    random: nodes[index].some(isRandom),
  }))
}

function labelOf(nodes: readonly GraphNode[], layers: readonly Layer[], index: number, count: number): string {
  const own = new Set(nodes.map(node => node.index))
  const startingLayers = layers.filter(layer => {
    for (const node of layer.nodes) return own.has(node)
    return false
  })
  if (startingLayers.length === 1) return startingLayers[0].label
  if (startingLayers.length > 1)
    return `${startingLayers[0].label} … ${startingLayers[startingLayers.length - 1].label}`
  if (count === 1) return 'whole graph'
  if (layers.length > 1) return index === 0 ? 'before the layers' : 'after the layers'
  return `part ${index + 1} of ${count}`
}
