import {
  type AttentionCore,
  attention,
  behindPast,
  causalMask,
  joinHeads,
  repeatHeads,
  toHeads,
} from './attention-core.ts'
import { Attributes } from './attributes.ts'
import type { Expansion, FusedNode, Refusal } from './expansion.ts'
import { PlainNodes } from './plain-nodes.ts'

/** A number that float16 can hold, far below any score. */
const MASKED = -65504

/**
 * ai.onnx Attention of opset 23 and later (onnx/onnx, docs/Operators.md). Queries, keys and values have rank 3, `[batch, tokens, width]`, or
 * rank 4, `[batch, heads, tokens, head size]`. The mask has bools, or numbers that are added to the scores. Groups of query heads may share
 * heads of keys and values.
 */
export function standardAttention(node: FusedNode): Expansion | Refusal {
  const { proto } = node
  const attributes = new Attributes(proto)
  const [query, key, value, mask = '', pastKey = '', pastValue = '', lengths = ''] = proto.input
  if (lengths) return { refused: 'nonpad_kv_seqlen' }
  if (proto.output[3]) return { refused: 'qk_matmul_output as a result' }
  const rank = node.rankOf(query)
  const heads = attributes.int('q_num_heads', 0) || headCount(node, query)
  const kvHeads = attributes.int('kv_num_heads', 0) || headCount(node, key)
  if (!heads || !kvHeads) return { refused: 'heads whose number is not known' }
  const isFlat = attributes.has('q_num_heads') && rank !== 4
  const plain = new PlainNodes(node)
  const headsOf = (x: string, count: number, role: string): string => (isFlat ? toHeads(plain, x, count, role) : x)
  const q = headsOf(query, heads, 'query')
  const keys = behindPast(plain, pastKey, headsOf(key, kvHeads, 'key_heads'), proto.output[1], 'present_key')
  const values = behindPast(plain, pastValue, headsOf(value, kvHeads, 'value_heads'), proto.output[2], 'present_value')
  const isBool = mask !== '' && node.typeOf(mask) === 'bool'
  if (mask && node.typeOf(mask) === undefined) return { refused: 'a mask whose element type the file does not declare' }
  const scale = attributes.float('scale', 0)
  const core: AttentionCore = {
    query: q,
    key: repeatHeads(plain, keys, heads, kvHeads, 'key'),
    value: repeatHeads(plain, values, heads, kvHeads, 'value'),
    scale: scale === 0 ? undefined : scale,
    softcap: attributes.float('softcap', 0),
    bias: mask && !isBool ? mask : undefined,
    mask: maskOf(plain, {
      mask: isBool ? mask : '',
      query: q,
      key: keys,
      isCausal: attributes.int('is_causal', 0) === 1,
    }),
    masked: MASKED,
  }
  const mix = attention(plain, core)
  if (isFlat) joinHeads(plain, mix, proto.output[0])
  else plain.add('Identity', [mix], {}, 'output', proto.output[0])
  return { nodes: plain.nodes, initializers: plain.initializers }
}

function headCount(node: FusedNode, value: string): number {
  const dims = node.dimsOf(value)
  return dims?.length === 4 && typeof dims[1] === 'number' ? dims[1] : 0
}

/** Which keys a query sees: those that the mask allows and, if causal, none that are later than the query. */
function maskOf(
  plain: PlainNodes,
  { mask, query, key, isCausal }: { mask: string; query: string; key: string; isCausal: boolean },
): string | undefined {
  if (!isCausal) return mask || undefined
  const seen = causalMask(plain, query, key, 'mask_causal')
  return mask ? plain.add('And', [seen, mask], {}, 'mask') : seen
}
