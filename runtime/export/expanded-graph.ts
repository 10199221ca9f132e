import { buildGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { withFields } from '../onnx/message/message.ts'
import type { ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'

/** A model with its fused nodes expanded, and the nodes of its graph. */
export interface ExpandedGraph {
  readonly inlined: ModelProto
  readonly nodes: readonly GraphNode[]
}

/**
 * Expands the fused nodes of a model, as modules and edits see them. Adds to `replacements`, which has the calls of functions, the nodes
 * that replace each fused node: if no edit reaches inside, the fused node is written instead.
 */
export function expandedGraph(proto: ModelProto, replacements: Map<NodeProto, readonly NodeProto[]>): ExpandedGraph {
  const { nodes, initializers } = buildGraph(proto, { clusters: true })
  const plainNodes = new Map<string, readonly NodeProto[]>()
  for (const { cluster } of nodes)
    if (cluster)
      plainNodes.set(
        firstResult(cluster.fused.proto),
        cluster.nodes.map(node => node.proto),
      )
  if (plainNodes.size === 0 || !proto.graph) return { inlined: proto, nodes }
  const expand = (node: NodeProto): readonly NodeProto[] => plainNodes.get(firstResult(node)) ?? [node]
  for (const [call, inner] of replacements) replacements.set(call, inner.flatMap(expand))
  for (const node of proto.graph.node) if (plainNodes.has(firstResult(node))) replacements.set(node, expand(node))
  const known = new Set(proto.graph.initializer.map(({ name }) => name))
  const isConstant = new Set(proto.graph.node.filter(node => node.opType === 'Constant').flatMap(node => node.output))
  const added = [...initializers.values()].filter(({ name }) => !known.has(name) && !isConstant.has(name))
  const graph = withFields(proto.graph, {
    node: proto.graph.node.flatMap(expand),
    initializer: [...proto.graph.initializer, ...added],
  })
  return { inlined: withFields(proto, { graph }), nodes }
}

const firstResult = (node: NodeProto): string => node.output.find(name => name !== '') ?? ''
