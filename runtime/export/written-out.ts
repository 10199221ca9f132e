import { buildGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'
import { withFields } from '../onnx/message/message.ts'
import type { ModelProto, NodeProto } from '../onnx/schema/onnx_pb.ts'

/** A model with its fused nodes written out, and its graph. */
export interface WrittenOut {
  readonly inlined: ModelProto
  readonly nodes: readonly GraphNode[]
}

/**
 * The model with its fused nodes written out in plain ones, as modules and edits see them. `calls` learns what stands for each, as it
 * does of functions: where no edit reaches inside, the fused node stays.
 */
export function writtenOut(proto: ModelProto, calls: Map<NodeProto, readonly NodeProto[]>): WrittenOut {
  const { nodes, initializers } = buildGraph(proto, { clusters: true })
  const written = new Map<string, readonly NodeProto[]>()
  for (const { cluster } of nodes)
    if (cluster)
      written.set(
        firstResult(cluster.fused.proto),
        cluster.nodes.map(node => node.proto),
      )
  if (written.size === 0 || !proto.graph) return { inlined: proto, nodes }
  const inPlain = (node: NodeProto): readonly NodeProto[] => written.get(firstResult(node)) ?? [node]
  for (const [call, inner] of calls) calls.set(call, inner.flatMap(inPlain))
  for (const node of proto.graph.node) if (written.has(firstResult(node))) calls.set(node, inPlain(node))
  const known = new Set(proto.graph.initializer.map(({ name }) => name))
  const isConstant = new Set(proto.graph.node.filter(node => node.opType === 'Constant').flatMap(node => node.output))
  const added = [...initializers.values()].filter(({ name }) => !known.has(name) && !isConstant.has(name))
  const graph = withFields(proto.graph, {
    node: proto.graph.node.flatMap(inPlain),
    initializer: [...proto.graph.initializer, ...added],
  })
  return { inlined: withFields(proto, { graph }), nodes }
}

const firstResult = (node: NodeProto): string => node.output.find(name => name !== '') ?? ''
