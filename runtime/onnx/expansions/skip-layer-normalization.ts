import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { layerNormalization } from './layer-normalization.ts'
import { PlainNodes } from './plain-nodes.ts'

/** The index of the operator's output for the sum, `input_skip_bias_sum`. */
const SUM = 3

/**
 * com.microsoft SkipLayerNormalization and SkipSimplifiedLayerNormalization (microsoft/onnxruntime, docs/ContribOperators.md):
 * sum = input + skip + bias, output = norm(sum). One of `input` and `skip` is the residual stream, the other is the branch that is added to
 * it, and `bias` belongs to the branch's last linear layer. The branch is computed from the stream, so it is the later of the two inputs,
 * which `isLaterSecond` tells.
 */
export function skipLayerNormalization(node: FusedNode & { readonly isLaterSecond: boolean }): Expansion | Refusal {
  const [input, skip, gamma] = node.proto.input
  const isSimplified = node.proto.opType === 'SkipSimplifiedLayerNormalization'
  const beta = isSimplified ? '' : (node.proto.input[3] ?? '')
  const bias = node.proto.input[isSimplified ? 3 : 4] ?? ''
  const [output, mean = '', deviation = '', sumName = ''] = node.proto.output
  if (mean || deviation) return { refused: 'mean and inv_std_var as results' }
  const plain = new PlainNodes(node)
  const [stream, branch] = node.isLaterSecond ? [input, skip] : [skip, input]
  const completed = bias ? [plain.add('Add', [branch, bias], {}, 'branch')] : []
  const sum = plain.add('Add', [stream, completed[0] ?? branch], {}, 'sum', sumName || undefined)
  const epsilon = { float: new Attributes(node.proto).float('epsilon', isSimplified ? 1e-6 : 1e-12) }
  if (isSimplified) {
    // onnxruntime registers it in the default domain, which has had RMSNormalization only since opset 23.
    const attributes = { axis: -1, epsilon, stash_type: 1 }
    plain.addMany('SimplifiedLayerNormalization', [sum, gamma], attributes, [['norm', output]])
  } else {
    layerNormalization(plain, node.opset, { x: sum, gamma, beta, epsilon: epsilon.float, as: output })
  }
  const optional = sumName ? new Map<string, number>() : new Map([[sum, SUM]])
  return { nodes: plain.nodes, initializers: plain.initializers, optional, sum, completed }
}
