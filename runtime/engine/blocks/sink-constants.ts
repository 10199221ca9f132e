import type { OnnxGraph } from '../../onnx/graph/graph.ts'
import type { GraphNode } from '../../onnx/graph/node.ts'
import { allReads } from '../../onnx/graph/node.ts'

/**
 * Moves nodes that read constants only, such as a weight's DequantizeLinear, into the first block that reads their result. Otherwise the
 * whole weight would cross between blocks, and onnxruntime could not fuse the node with its reader.
 * @param ranks the rank of each node, in running order
 */
export function sinkConstants(
  graph: OnnxGraph,
  ranks: readonly number[],
  isRandom: (node: GraphNode) => boolean,
): number[] {
  const outputs = new Set(graph.outputs.map(({ name }) => name))
  const constant = new Set<GraphNode>()
  for (const node of graph.nodes) {
    if (node.cluster || isRandom(node) || node.captures.length > 0 || node.outputs.some(name => outputs.has(name)))
      continue
    const isConstant = (name: string): boolean => {
      const maker = graph.producer.get(name)?.node
      return name === '' || graph.initializers.has(name) || (maker !== undefined && constant.has(maker))
    }
    if (node.inputs.length > 0 && node.inputs.every(isConstant)) constant.add(node)
  }
  const sunk = [...ranks]
  const firstRead = new Map<string, number>()
  for (const node of graph.nodes.toReversed()) {
    if (constant.has(node)) {
      const reads = node.outputs.map(name => firstRead.get(name) ?? Number.POSITIVE_INFINITY)
      const first = Math.min(...reads)
      if (Number.isFinite(first)) sunk[node.index] = first
    }
    for (const name of allReads(node))
      firstRead.set(name, Math.min(firstRead.get(name) ?? Number.POSITIVE_INFINITY, sunk[node.index]))
  }
  return sunk
}
