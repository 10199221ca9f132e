import type { GraphNode } from '../../onnx/graph/node.ts'

/**
 * Whether some node's weights must be prepacked before the first run. Otherwise MatMulNBits dequantises its weights in every run, which is
 * some hundred times slower than the product itself, and computes in floats although `accuracy_level` 4 allows integers.
 */
export function needPacking(nodes: Iterable<Pick<GraphNode, 'domain' | 'opType'>>): boolean {
  for (const { domain, opType } of nodes) if (opType === 'MatMulNBits' && domain === 'com.microsoft') return true
  return false
}
