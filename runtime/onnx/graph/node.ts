import type { InsideShape } from '../expansions/expansion.ts'
import type { NodeProto } from '../schema/onnx_pb.ts'

export type { InsideShape }

/** A node of the main graph. */
export interface GraphNode {
  /** Its index in running order. */
  readonly index: number
  /** Unique: made from the operation's name if the file gives none. */
  readonly name: string
  readonly opType: string
  readonly domain: string
  /** '' for an optional input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Names of outer values that its subgraph bodies read. */
  readonly captures: readonly string[]
  /** The node's message as it was read, except that it has `name`. */
  readonly proto: NodeProto
  /** The fused node that this one is a part of. */
  readonly cluster?: Cluster
}

/**
 * A fused node and the plain nodes that compute the same. The graph contains the plain ones, so that a trace can read and write the values
 * inside the operator; sessions run the fused one unless a trace does so.
 */
export interface Cluster {
  /** The file's node. Its index is that of the first plain node. */
  readonly fused: GraphNode
  /** Plain nodes, in running order. */
  readonly nodes: readonly GraphNode[]
  /** Values that the plain nodes make. */
  readonly producedValues: ReadonlySet<string>
  /** Optional outputs of the fused node that the file leaves out: the value's name and the output's index. */
  readonly optional: ReadonlyMap<string, number>
  readonly sum: string | undefined
  readonly completed: ReadonlySet<string>
  readonly placedByNeighbours: ReadonlySet<string>
  /** The shapes of all values inside, if they are known without inference. */
  readonly inside: ReadonlyMap<string, InsideShape> | undefined
}

/** The nodes as the file has them: a cluster's first node is replaced by the fused one, the others are left out. */
export function asInFile(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes
    .filter(node => node.cluster === undefined || node.cluster.nodes[0] === node)
    .map(node => node.cluster?.fused ?? node)
}

/** Every value that a node reads, and those that its fused node reads, if it is part of one. */
export function allReads(node: GraphNode): readonly string[] {
  const own = [...node.inputs, ...node.captures]
  return node.cluster ? [...own, ...node.cluster.fused.inputs] : own
}
