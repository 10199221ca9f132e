import { type AttentionCore, attention, behindPast, joinHeads, toHeads } from './attention-core.ts'
import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { maskBias } from './padding-mask.ts'
import { PlainNodes } from './plain-nodes.ts'

/**
 * com.microsoft MultiHeadAttention (microsoft/onnxruntime, docs/ContribOperators.md). Queries, keys and values are three inputs, or keys and
 * values are packed in one input, or all three are. Keys and values may also be split into heads already, as in a cache of an encoder's states.
 */
export function multiHeadAttention(node: FusedNode): Expansion | Refusal {
  const { proto } = node
  const attributes = new Attributes(proto)
  const heads = attributes.int('num_heads', 0)
  const input = (i: number): string => proto.input[i] ?? ''
  if (proto.output[3]) return { refused: 'qk as a result' }
  if (input(8) || input(9)) return { refused: 'a cache shared by beams' }
  const plain = new PlainNodes(node)
  const parts = headsOf(plain, node, heads, input(3))
  if ('refused' in parts) return parts
  const [query, newKey, newValue] = parts
  const key = behindPast(plain, input(6), newKey, proto.output[1], 'present_key')
  const value = behindPast(plain, input(7), newValue, proto.output[2], 'present_value')
  const mask = maskBias(plain, node, {
    mask: input(4),
    query,
    key,
    isCausal: attributes.int('unidirectional', 0) === 1,
    filter: attributes.float('mask_filter_value', -10000),
  })
  if (typeof mask === 'object') return mask
  const scale = attributes.float('scale', 0)
  const core: AttentionCore = {
    query,
    key,
    value,
    scale: scale === 0 ? undefined : scale,
    softcap: 0,
    bias: input(5) || undefined,
    maskBias: mask,
  }
  const mix = attention(plain, core)
  joinHeads(plain, mix, proto.output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}

/** Queries, keys and values as `[batch, heads, tokens, head size]`, with their bias. */
function headsOf(plain: PlainNodes, node: FusedNode, heads: number, bias: string): [string, string, string] | Refusal {
  const [query, key = '', value = ''] = node.proto.input
  if (!key) {
    if (bias) return { refused: 'a bias on packed queries, keys and values' }
    const packed = plain.split(query, 3, [1, 1, 1], ['query_packed', 'key_packed', 'value_packed'])
    const [q, k, v] = packed.map(part => toHeads(plain, part, heads))
    return [q, k, v]
  }
  const biases = biasesOf(plain, node, bias)
  if ('refused' in biases) return biases
  const biased = (x: string, i: 0 | 1 | 2): string => (bias ? plain.add('Add', [x, biases[i]]) : x)
  const q = toHeads(plain, biased(query, 0), heads, 'query')
  const keyRank = node.rankOf(key) ?? 3
  if (!value) {
    if (bias) return { refused: 'a bias on packed keys and values' }
    const [k, v] = plain.split(key, 3, [1, 1], ['key_packed', 'value_packed'])
    return [
      q,
      toHeads(plain, plain.reshape(k, [0, 0, -1]), heads, 'key'),
      toHeads(plain, plain.reshape(v, [0, 0, -1]), heads, 'value'),
    ]
  }
  if (keyRank === 4) return [q, key, value]
  return [q, toHeads(plain, biased(key, 1), heads, 'key'), toHeads(plain, biased(value, 2), heads, 'value')]
}

/** Splits the bias of queries, keys and values, which lie side by side, into three of equal size. */
function biasesOf(plain: PlainNodes, node: FusedNode, bias: string): [string, string, string] | Refusal {
  if (!bias) return ['', '', '']
  const width = node.dimsOf(bias)?.[0]
  if (typeof width !== 'number') return { refused: 'a bias whose dims are not known' }
  if (width % 3 !== 0) return { refused: 'values of another width than keys' }
  const [q, k, v] = plain.split(bias, 0, [width / 3, width / 3, width / 3], ['query_bias', 'key_bias', 'value_bias'])
  return [q, k, v]
}
