import { attention, joinHeads, toHeads } from './attention-core.ts'
import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { maskBias } from './padding-mask.ts'
import { PlainNodes } from './plain-nodes.ts'

/**
 * com.microsoft Attention (microsoft/onnxruntime, docs/ContribOperators.md). One product computes queries, keys and values: their weights lie
 * side by side, `[input width, 3 × width]`. The cache is `[2, batch, heads, keys, head size]`.
 */
export function packedAttention(node: FusedNode): Expansion | Refusal {
  const { proto } = node
  const attributes = new Attributes(proto)
  const heads = attributes.int('num_heads', 0)
  const [input, weights, bias = '', mask = '', past = '', scoreBias = ''] = proto.input
  if (attributes.int('do_rotary', 0) === 1) return { refused: 'do_rotary' }
  if (attributes.int('past_present_share_buffer', 0) === 1) return { refused: 'past_present_share_buffer' }
  const width = node.dimsOf(weights)?.[1]
  if (typeof width !== 'number') return { refused: 'weights whose dims are not known' }
  const sizes = attributes.ints('qkv_hidden_sizes') ?? [width / 3, width / 3, width / 3]
  const plain = new PlainNodes(node)
  const product = plain.add('MatMul', [input, weights], {}, 'qkv')
  const whole = bias ? plain.add('Add', [product, bias], {}, 'qkv_biased') : product
  const [q, k, v] = plain
    .split(whole, 2, sizes, ['query_states', 'key_states', 'value_states'])
    .map((part, i) => toHeads(plain, part, heads, ['query', 'key', 'value'][i]))
  const cached = (now: string, i: 0 | 1, role: string): string => {
    if (!past) return now
    const old = plain.add('Gather', [past, plain.ints(i)], { axis: 0 })
    return plain.add('Concat', [old, now], { axis: 2 }, role)
  }
  const [key, value] = [cached(k, 0, 'present_key'), cached(v, 1, 'present_value')]
  if (proto.output[1]) {
    const pair = [key, value].map(part => plain.unsqueeze(part, [0]))
    plain.add('Concat', pair, { axis: 0 }, 'present', proto.output[1])
  }
  const isCausal = attributes.int('unidirectional', 0) === 1
  const filter = attributes.float('mask_filter_value', -10000)
  const added = maskBias(plain, node, { mask, query: q, key, isCausal, filter })
  if (typeof added === 'object') return added
  const scale = attributes.float('scale', 0)
  const mix = attention(plain, {
    query: q,
    key,
    value,
    scale: scale === 0 ? undefined : scale,
    softcap: 0,
    bias: scoreBias || undefined,
    maskBias: added,
  })
  joinHeads(plain, mix, proto.output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}
