import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/** Where the operator gives out the sum: its fourth result, `input_skip_bias_sum`. */
const SUM = 3

/**
 * com.microsoft SkipLayerNormalization and SkipSimplifiedLayerNormalization (microsoft/onnxruntime, docs/ContribOperators.md):
 * sum = input + skip + bias, output = norm(sum). One of `input` and `skip` is the residual stream, the other the branch that is added to
 * it, and `bias` is that of the branch's last product. `isLaterSecond` tells which: the branch is computed from the stream.
 */
export function skipLayerNormalization(node: FusedNode & { readonly isLaterSecond: boolean }): Expansion | Refusal {
  const [input, skip, gamma] = node.proto.input
  const isSimplified = node.proto.opType === 'SkipSimplifiedLayerNormalization'
  const beta = isSimplified ? '' : (node.proto.input[3] ?? '')
  const bias = node.proto.input[isSimplified ? 3 : 4] ?? ''
  const [output, mean = '', deviation = '', given = ''] = node.proto.output
  if (mean || deviation) return { refused: 'mean and inv_std_var as results' }
  const plain = new PlainNodes(node)
  const [stream, branch] = node.isLaterSecond ? [input, skip] : [skip, input]
  const completed = bias ? [plain.add('Add', [branch, bias], {}, 'branch')] : []
  const sum = plain.add('Add', [stream, completed[0] ?? branch], {}, 'sum', given || undefined)
  const epsilon = { float: new Attributes(node.proto).float('epsilon', isSimplified ? 1e-6 : 1e-12) }
  const results = [['norm', output]] as const
  if (isSimplified) {
    // Registered by onnxruntime in the default domain, since before opset 23 had RMSNormalization.
    plain.addMany('SimplifiedLayerNormalization', [sum, gamma], { axis: -1, epsilon, stash_type: 1 }, results)
  } else if (node.opset >= 17) {
    plain.addMany('LayerNormalization', [sum, gamma, beta].filter(Boolean), { axis: -1, epsilon }, results)
  } else {
    layerNormalization(plain, sum, gamma, beta, epsilon.float, output)
  }
  const optional = given ? new Map<string, number>() : new Map([[sum, SUM]])
  return { nodes: plain.nodes, initializers: plain.initializers, optional, sum, completed }
}

/** LayerNormalization by its definition, for opsets that lack it. */
function layerNormalization(
  plain: PlainNodes,
  x: string,
  gamma: string,
  beta: string,
  epsilon: number,
  as: string,
): void {
  const centred = plain.add('Sub', [x, plain.add('ReduceMean', [x], { axes: [-1] }, 'mean')], {}, 'centred')
  const variance = plain.add(
    'ReduceMean',
    [plain.add('Mul', [centred, centred], {}, 'square')],
    { axes: [-1] },
    'variance',
  )
  const deviation = plain.add(
    'Sqrt',
    [plain.add('Add', [variance, plain.number(epsilon)], {}, 'stable')],
    {},
    'deviation',
  )
  const unit = plain.add('Div', [centred, deviation], {}, 'unit')
  if (!beta) plain.add('Mul', [unit, gamma], {}, 'norm', as)
  else plain.add('Add', [plain.add('Mul', [unit, gamma], {}, 'scaled'), beta], {}, 'norm', as)
}
