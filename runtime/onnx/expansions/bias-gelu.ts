import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/**
 * com.microsoft BiasGelu, and FastGelu with a bias (microsoft/onnxruntime, docs/ContribOperators.md). The bias belongs to the linear layer
 * before, whose result is complete only with it. The activation itself stays one operator: Gelu (Hendrycks and Gimpel 2016,
 * arXiv:1606.08415), exact or by tanh.
 */
export function biasGelu(node: FusedNode): Expansion | Refusal {
  const { opType, input, output } = node.proto
  const [product, bias = ''] = input
  if (!bias) return { refused: 'no bias: it hides nothing' }
  const plain = new PlainNodes(node)
  const whole = plain.add('Add', [product, bias], {}, 'biased')
  plain.addMany(opType === 'BiasGelu' ? 'Gelu' : 'FastGelu', [whole], {}, [['gelu', output[0]]], 'com.microsoft')
  return { nodes: plain.nodes, initializers: plain.initializers, completed: [whole] }
}
