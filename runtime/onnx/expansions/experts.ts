import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'
import { unpackedWeights } from './unpacked-weights.ts'

/** One linear layer of all experts: weights `[experts, out, in]` and bias `[experts, out]`. */
interface Layer {
  readonly weights: string
  /** '' for none. */
  readonly bias: string
}

/**
 * com.microsoft MoE, a mixture of experts (microsoft/onnxruntime, docs/ContribOperators.md), as the CPU's kernel computes it. Each expert has a
 * share in a token, `softmax(router)`. The result is the sum of the results of the k experts with the largest shares, weighted by these.
 * Written out in plain nodes, every expert computes every token, and the shares of all but these k are 0.
 */
export function experts(node: FusedNode): Expansion | Refusal {
  const attributes = new Attributes(node.proto)
  const [, , fc1, bias1 = '', fc2, bias2 = '', fc3 = ''] = node.proto.input
  if (fc3) return { refused: 'a third layer' }
  const plain = new PlainNodes(node)
  const layers = [
    { weights: fc1, bias: bias1 },
    { weights: fc2, bias: bias2 },
  ]
  return mixture(node, plain, layers, attributes.int('normalize_routing_weights', 0) === 1)
}

/** com.microsoft QMoE: the same with weights of 2, 4 or 8 bits. Its kernel always makes the shares of the best experts add up to 1. */
export function quantisedExperts(node: FusedNode): Expansion | Refusal {
  const input = (i: number): string => node.proto.input[i] ?? ''
  if (input(8)) return { refused: 'a third layer' }
  if (input(14)) return { refused: 'router_weights' }
  const plain = new PlainNodes(node)
  const layers: Layer[] = []
  for (const [i, at] of [2, 5].entries()) {
    const weights = unpackedWeights(plain, node, {
      data: input(at),
      scale: input(at + 1),
      zeroPoint: input(11 + i),
      layer: i + 1,
    })
    if (typeof weights === 'object') return weights
    layers.push({ weights, bias: input(at + 2) })
  }
  return mixture(node, plain, layers, true)
}

function mixture(
  node: FusedNode,
  plain: PlainNodes,
  [first, second]: readonly Layer[],
  isNormalised: boolean,
): Expansion | Refusal {
  const { input, output } = node.proto
  const attributes = new Attributes(node.proto)
  if (attributes.int('use_sparse_mixer', 0) === 1) return { refused: 'use_sparse_mixer' }
  const activate = activationOf(attributes)
  if (!activate) return { refused: `the activation ${attributes.text('activation_type')}` }
  const width = plain.slice(plain.add('Shape', [input[0]], {}, 'shape'), 0, -1)
  const rows = plain.add('Concat', [plain.ints([-1]), width], { axis: 0 })
  const tokens = plain.add('Reshape', [input[0], rows], {}, 'tokens')
  const hidden = linear(plain, plain.unsqueeze(tokens, [0]), first, 'up')
  const results = linear(plain, activate(plain, hidden), second, 'expert_outputs')
  const shares = plain.unsqueeze(
    plain.transpose(sharesOf(plain, input[1], attributes.int('k', 1), isNormalised), [1, 0], 'router_weights_turned'),
    [2],
  )
  const total = plain.reduceSum(plain.add('Mul', [results, shares], {}, 'weighted'), 0)
  plain.add('Reshape', [total, plain.add('Shape', [input[0]], {}, 'shape')], {}, 'output', output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}

/** `[tokens, experts]`: each token's shares of its best experts, and 0 for the others. */
function sharesOf(plain: PlainNodes, router: string, count: number, isNormalised: boolean): string {
  const all = plain.add('Softmax', [router], { axis: 1 }, 'router_probabilities')
  const [best, which] = plain.addMany('TopK', [all, plain.ints([count])], { axis: 1, largest: 1, sorted: 1 }, [
    ['best'],
    ['experts'],
  ])
  const shares = isNormalised ? plain.add('Div', [best, plain.unsqueeze(plain.reduceSum(best, 1), [1])]) : best
  const none = plain.add('Mul', [all, plain.number(0)])
  return plain.add('ScatterElements', [none, which, shares], { axis: 1 }, 'router_weights')
}

/** Applies every expert's layer to `[experts or 1, tokens, in]`. */
function linear(plain: PlainNodes, x: string, { weights, bias }: Layer, role: string): string {
  const product = plain.add('MatMul', [x, plain.transpose(weights, [0, 2, 1])], {}, bias ? undefined : role)
  return bias ? plain.add('Add', [product, plain.unsqueeze(bias, [1])], {}, role) : product
}

type Activation = (plain: PlainNodes, x: string) => string

function activationOf(attributes: Attributes): Activation | undefined {
  switch (attributes.text('activation_type') || 'relu') {
    case 'identity':
      return (_, x) => x
    case 'relu':
      return (plain, x) => plain.add('Relu', [x], {}, 'activated')
    case 'gelu':
      return gelu
    case 'silu':
      return (plain, x) => plain.add('Mul', [x, plain.add('Sigmoid', [x], {}, 'gate')], {}, 'activated')
    case 'swiglu':
      return (plain, x) => swiglu(plain, x, attributes)
    default:
      return undefined
  }
}

/** GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415) by tanh. */
function gelu(plain: PlainNodes, x: string): string {
  const times = (a: string, b: string | number): string =>
    plain.add('Mul', [a, typeof b === 'number' ? plain.number(b) : b])
  const cube = times(times(x, x), times(x, 0.044715))
  const inner = times(plain.add('Add', [x, cube]), Math.sqrt(2 / Math.PI))
  const gate = plain.add('Add', [plain.add('Tanh', [inner]), plain.number(1)], {}, 'gate')
  return plain.add('Mul', [times(x, 0.5), gate], {}, 'activated')
}

/** SwiGLU (Shazeer 2020, arXiv:2002.05202). Gates and values alternate along the last axis: `gate · sigmoid(alpha · gate) · (value + beta)`. */
function swiglu(plain: PlainNodes, x: string, attributes: Attributes): string {
  let gate = plain.slice(x, -1, 0, undefined, 2)
  let value = plain.slice(x, -1, 1, undefined, 2)
  if (attributes.has('swiglu_limit')) {
    const limit = attributes.float('swiglu_limit', 0)
    gate = plain.add('Min', [gate, plain.number(limit)])
    value = plain.add('Max', [plain.add('Min', [value, plain.number(limit)]), plain.number(-limit)])
  }
  const alpha = attributes.float('activation_alpha', 1)
  const beta = attributes.float('activation_beta', 0)
  const open = plain.add('Sigmoid', [plain.add('Mul', [gate, plain.number(alpha)])], {}, 'gate')
  const swish = plain.add('Mul', [gate, open])
  return plain.add('Mul', [swish, plain.add('Add', [value, plain.number(beta)])], {}, 'activated')
}
