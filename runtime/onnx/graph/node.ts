import type { InsideShape } from '../expansions/expansion.ts'
import type { NodeProto } from '../schema/onnx_pb.ts'

export type { InsideShape }

/** A node of the main graph. */
export interface GraphNode {
  /** Its place in running order. */
  readonly index: number
  /** Unique: made up from the operation where the file gives none. */
  readonly name: string
  readonly opType: string
  readonly domain: string
  /** '' for an optional input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Outer values that its subgraph bodies read. */
  readonly captures: readonly string[]
  /** As it was read, but for a name that was made up. */
  readonly proto: NodeProto
  /** The fused node that this one is a part of. */
  readonly cluster?: Cluster
}

/**
 * A fused node and the plain nodes that mean the same. A graph holds the plain ones, so that what the operator hides can be read and
 * written; sessions run the fused one wherever nobody reaches inside.
 */
export interface Cluster {
  /** As in the file. Its index is that of the first plain node. */
  readonly fused: GraphNode
  /** Plain nodes, in running order. */
  readonly nodes: readonly GraphNode[]
  /** Values that the plain nodes make. */
  readonly made: ReadonlySet<string>
  /** Values that the fused node can give as its result of this index, though the file does not ask for them. */
  readonly optional: ReadonlyMap<string, number>
  readonly sum: string | undefined
  readonly completed: ReadonlySet<string>
  readonly around: ReadonlySet<string>
  /** Shapes of all that is made inside, where they are known without inference. */
  readonly inside: ReadonlyMap<string, InsideShape> | undefined
}

/** The nodes of a graph as its file has them: of a cluster, the fused node stands in the place of its first. */
export function asInFile(nodes: readonly GraphNode[]): GraphNode[] {
  return nodes
    .filter(node => node.cluster === undefined || node.cluster.nodes[0] === node)
    .map(node => node.cluster?.fused ?? node)
}

/** Every value that a node reads, and that the fused node reads which it is a part of. */
export function allReads(node: GraphNode): readonly string[] {
  const own = [...node.inputs, ...node.captures]
  return node.cluster ? [...own, ...node.cluster.fused.inputs] : own
}
