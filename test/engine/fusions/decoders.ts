import { f32, random } from './operators.ts'
import type { Declared, TextGraph, Weight } from './text-graph.ts'

/** A decoder of one layer around a form of attention. Its inputs and outputs have the names that exporters give them. */
export interface DecoderGraph extends TextGraph {
  /** The dims of each cache before the first token, by input. */
  readonly caches: Readonly<Record<string, readonly number[]>>
}

const VOCABULARY = 24
const ids: Declared = ['i64', 'batch:1', 'tokens:3']
const mask: Declared = ['i64', 'batch:1', 'total:3']
const positions: Declared = ['i64', 'batch:1', 'tokens:3']
const tables = { cos: f32(32, 4), sin: f32(32, 4) }

interface Form {
  /** The nodes that compute `a`, of width 16, from the normalised states `h`. */
  readonly attention: string
  readonly inputs?: Readonly<Record<string, Declared>>
  readonly weights?: Readonly<Record<string, Weight>>
  /** The dims of keys and values before the first token. */
  readonly cache?: readonly number[]
  /** Whether keys and values are in one cache. */
  readonly isJoint?: boolean
  readonly opset?: number
}

function decoder(
  name: string,
  { attention, inputs = {}, weights, cache, isJoint = false, opset = 17 }: Form,
): DecoderGraph {
  const parts = isJoint ? ['past_key_values.0'] : ['past_key_values.0.key', 'past_key_values.0.value']
  const names = cache ? parts : []
  const axis = isJoint ? 1 : 0
  const open = cache?.map((size, i): number | string =>
    i === axis ? 'batch:1' : i === cache.length - 2 ? 'past:0' : size,
  )
  return {
    name,
    opset,
    inputs: { input_ids: ids, ...inputs, ...Object.fromEntries(names.map(name => [name, open!])) },
    weights: {
      table: f32(VOCABULARY, 16),
      gamma: ['f32', [16], random(16).map(value => 1 + value / 4)],
      wq: f32(16, 16),
      wk: f32(16, 8),
      wv: f32(16, 8),
      wo: f32(16, 16),
      head: f32(16, VOCABULARY),
      ...weights,
    },
    nodes: `/model/embed_tokens x = Gather(table, input_ids)
      /model/layers.0/input_layernorm h = SimplifiedLayerNormalization(x, gamma; axis=-1, epsilon=0.00001f, stash_type=1)
      ${attention}
      /model/layers.0/attn/o_proj o = MatMul(a, wo)
      /model/norm n = com.microsoft.SkipSimplifiedLayerNormalization(x, o, gamma; epsilon=0.00001f)
      /lm_head logits = MatMul(n, head)`,
    outputs: ['logits', ...names.map(name => name.replace('past_key_values', 'present'))],
    caches: Object.fromEntries(names.map(name => [name, cache!])),
  }
}

const AT = '/model/layers.0/attn'
const projected = `${AT}/q_proj q = MatMul(h, wq)
  ${AT}/k_proj k = MatMul(h, wk)
  ${AT}/v_proj v = MatMul(h, wv)`
const lengths = `${AT}/mask sum = ReduceSum(attention_mask, one; keepdims=0)
  ${AT}/mask_1 less = Sub(sum, one)
  ${AT}/mask_2 lens = Cast(less; to=6)
  ${AT}/mask_3 shape = Shape(attention_mask)
  ${AT}/mask_4 size = Gather(shape, place; axis=0)
  ${AT}/mask_5 total = Cast(size; to=6)`
const given = { one: ['i64', [1], [1]], place: ['i64', [], [1]] } satisfies Record<string, Weight>

function grouped(name: string, attributes = '', extra = '', weights: Form['weights'] = {}): DecoderGraph {
  return decoder(`GroupQueryAttention, ${name}`, {
    attention: `${projected}\n${lengths}
      ${AT} a, present.0.key, present.0.value = com.microsoft.GroupQueryAttention(q, k, v, past_key_values.0.key, past_key_values.0.value, lens, total${extra}; num_heads=2, kv_num_heads=1${attributes})`,
    inputs: { attention_mask: mask },
    weights: { ...given, ...weights },
    cache: [1, 1, 0, 8],
  })
}

const wide = { wk: f32(16, 16), wv: f32(16, 16) }
const PAST = 'past_key_values.0.key, past_key_values.0.value'
const PRESENT = 'present.0.key, present.0.value'

export const decoders: readonly DecoderGraph[] = [
  grouped('no rotary'),
  grouped('local window', ', local_window_size=2'),
  grouped('softcap', ', softcap=1.5f'),
  grouped('smooth softmax', ', smooth_softmax=1'),
  grouped('sinks', '', ', , , , , sink', { sink: f32(2) }),
  decoder('GroupQueryAttention, packed, rotary inside', {
    attention: `${AT}/qkv_proj p = MatMul(h, wqkv)\n${lengths}
      ${AT} a, ${PRESENT} = com.microsoft.GroupQueryAttention(p, , , ${PAST}, lens, total, cos, sin; num_heads=2, kv_num_heads=1, do_rotary=1)`,
    inputs: { attention_mask: mask },
    weights: { ...given, wqkv: f32(16, 64), wo: f32(32, 16), cos: f32(32, 8), sin: f32(32, 8) },
    cache: [1, 1, 0, 16],
  }),
  decoder('GroupQueryAttention, rotary outside', {
    attention: `${projected}\n${lengths}
      ${AT}/rotary_q q2 = com.microsoft.RotaryEmbedding(q, position_ids, cos, sin; num_heads=2)
      ${AT}/rotary_k k2 = com.microsoft.RotaryEmbedding(k, position_ids, cos, sin; num_heads=1)
      ${AT} a, ${PRESENT} = com.microsoft.GroupQueryAttention(q2, k2, v, ${PAST}, lens, total; num_heads=2, kv_num_heads=1)`,
    inputs: { attention_mask: mask, position_ids: positions },
    weights: { ...given, ...tables },
    cache: [1, 1, 0, 8],
  }),
  decoder('MultiHeadAttention, causal, rotary outside', {
    attention: `${projected}
      ${AT}/rotary_q q2 = com.microsoft.RotaryEmbedding(q, position_ids, cos, sin; num_heads=2)
      ${AT}/rotary_k k2 = com.microsoft.RotaryEmbedding(k, position_ids, cos, sin; num_heads=2)
      ${AT} a, ${PRESENT} = com.microsoft.MultiHeadAttention(q2, k2, v, , , , ${PAST}; num_heads=2, unidirectional=1)`,
    inputs: { position_ids: positions },
    weights: { ...wide, ...tables },
    cache: [1, 2, 0, 8],
  }),
  decoder('MultiHeadAttention without a cache', {
    attention: `${projected}\n${AT} a = com.microsoft.MultiHeadAttention(q, k, v; num_heads=2, unidirectional=1)`,
    weights: wide,
  }),
  decoder('Attention of com.microsoft', {
    attention: `${AT} a, present.0 = com.microsoft.Attention(h, wqkv, bqkv, , past_key_values.0; num_heads=2, unidirectional=1)`,
    weights: { wqkv: f32(16, 48), bqkv: f32(48) },
    cache: [2, 1, 2, 0, 8],
    isJoint: true,
  }),
  decoder('Attention and RotaryEmbedding of opset 23', {
    attention: `${projected}
      ${AT}/rotary_q q2 = RotaryEmbedding(q, cos, sin, position_ids; num_heads=2)
      ${AT}/rotary_k k2 = RotaryEmbedding(k, cos, sin, position_ids; num_heads=1)
      ${AT} a, ${PRESENT} = Attention(q2, k2, v, , ${PAST}; q_num_heads=2, kv_num_heads=1, is_causal=1, softcap=2.0f)`,
    inputs: { position_ids: positions },
    weights: tables,
    cache: [1, 1, 0, 8],
    opset: 23,
  }),
]
