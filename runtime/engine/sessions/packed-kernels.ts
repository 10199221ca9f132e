import type { GraphNode } from '../../onnx/graph/node.ts'

/**
 * Whether some kernel needs its weights in its own layout from the first run on. Without it MatMulNBits makes a float matrix of its weights in
 * every run, some hundred times as slow as the product itself, and computes in floats what `accuracy_level` 4 lets be computed in integers.
 */
export function needPacking(nodes: Iterable<Pick<GraphNode, 'domain' | 'opType'>>): boolean {
  for (const { domain, opType } of nodes) if (opType === 'MatMulNBits' && domain === 'com.microsoft') return true
  return false
}
