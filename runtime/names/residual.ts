import type { OnnxGraph } from '../onnx/graph/graph.ts'
import type { GraphNode } from '../onnx/graph/node.ts'

/**
 * The path of the module that a node belongs to, if an exporter or optimiser fused it into the next operation: the sum of a residual
 * stream and a branch belongs to the module that the branch completes, a branch's bias to the module that makes the branch. Undefined
 * for every other node.
 */
export function completedScope(
  graph: OnnxGraph,
  node: GraphNode,
  pathOf: (node: GraphNode) => readonly string[] | undefined,
): readonly string[] | undefined {
  const { cluster } = node
  const [output] = node.outputs
  if (!cluster || !(cluster.sum === output || cluster.completed.has(output))) return undefined
  const makers = node.inputs.map(name => graph.producer.get(name)?.node).filter(maker => maker !== undefined)
  // The branch is computed from the stream, so the later of both makers makes the branch.
  const branch = makers.reduce<GraphNode | undefined>(
    (last, maker) => (last && last.index > maker.index ? last : maker),
    undefined,
  )
  if (!branch) return undefined
  const path = pathOf(branch)
  if (!path || cluster.sum !== output) return path
  const norm = pathOf(cluster.nodes[cluster.nodes.length - 1])
  return norm && sumScope(path, norm)
}

/** The module that the sum belongs to: the layer that contains the branch and not the norm, or else the innermost module that contains both. */
function sumScope(branch: readonly string[], norm: readonly string[]): readonly string[] {
  const differs = branch.findIndex((name, depth) => name !== norm[depth])
  if (differs < 0) return branch
  const layer = branch.findIndex((name, depth) => depth >= differs && /^\d+$/.test(name))
  return branch.slice(0, layer < 0 ? differs : layer + 1)
}
