import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/** com.microsoft QuickGelu (microsoft/onnxruntime, docs/ContribOperators.md): x · sigmoid(alpha · x), with 1.702 by default. */
export function quickGelu(node: FusedNode): Expansion {
  const { input, output } = node.proto
  const plain = new PlainNodes(node)
  const alpha = new Attributes(node.proto).float('alpha', 1.702)
  const scaled = alpha === 1 ? input[0] : plain.add('Mul', [input[0], plain.number(alpha)], {}, 'scaled')
  plain.add('Mul', [input[0], plain.add('Sigmoid', [scaled], {}, 'gate')], {}, 'gelu', output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}
