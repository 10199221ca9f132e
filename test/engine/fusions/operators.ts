import { type Declared, parseGraph, type TextGraph, type Weight } from './text-graph.ts'

/** An operator that fuses or packs others, in a graph in which its inputs come from one module, and another module reads its outputs. */
export interface OperatorGraph extends TextGraph {
  /** An operation inside the operator, if that can be written out. */
  readonly inside?: string
  /** Whether its rows are those of the batch, so that prompts can be invoked together. */
  readonly hasBatch: boolean
}

interface More extends Partial<Omit<OperatorGraph, 'name' | 'nodes'>> {}

const STATES: Declared = ['batch:2', 'tokens:3', 16]
let state = 1
export const random = (count: number): number[] =>
  Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
/** Random weights: with regular ones, an edit changes little in a product. */
export const f32 = (...dims: number[]): Weight => ['f32', dims, random(dims.reduce((a, b) => a * b, 1))]

/** `node` computes `y` from `h`, in the module `layer.op`. */
function operator(name: string, node: string, more: More = {}): OperatorGraph {
  const { inputs, weights, outputs = [], ...rest } = more
  return {
    name,
    hasBatch: true,
    ...rest,
    inputs: inputs ?? { x: STATES },
    weights: { two: 2, ...weights },
    nodes: `${inputs && !('x' in inputs) ? '' : '/layer/before h = Mul(x, two)\n'}${node}\n/layer/after z = Neg(y)`,
    outputs: ['z', ...outputs],
  }
}

/** Queries, keys and values of 2 heads of 16, and one head of keys and values. */
const projected = `/layer/q q = MatMul(h, wq)
  /layer/k k = MatMul(h, wk)
  /layer/v v = MatMul(h, wv)`
const grouped = (name: string, attributes = '', more: More & { given?: never; node?: string; extra?: string } = {}) => {
  const { node, extra = '', weights, ...rest } = more
  const call = `a, pk, pv = com.microsoft.GroupQueryAttention(q, k, v, past, pastv, lens, total${extra}; num_heads=2, kv_num_heads=1${attributes})`
  return operator(
    `GroupQueryAttention, ${name}`,
    `${node ?? `${projected}\n/layer/op ${call}`}\n/layer/o y = MatMul(a, wo)`,
    {
      ...rest,
      inputs: {
        x: STATES,
        past: ['batch:2', 1, 0, 16],
        pastv: ['batch:2', 1, 0, 16],
        lens: ['i32', 'batch:2'],
        total: ['i32'],
      },
      given: { lens: [2, 2], total: [3] },
      weights: { wq: f32(16, 32), wk: f32(16, 16), wv: f32(16, 16), wo: f32(32, 16), ...weights },
      outputs: ['pk', 'pv'],
      inside: 'Softmax',
    },
  )
}
const tables = { cos: f32(8, 8), sin: f32(8, 8) }

const gqa = [
  grouped('separate'),
  grouped('packed', '', {
    node: `/layer/qkv p = MatMul(h, wqkv)
    /layer/op a, pk, pv = com.microsoft.GroupQueryAttention(p, , , past, pastv, lens, total; num_heads=2, kv_num_heads=1)`,
    weights: { wqkv: f32(16, 64) },
  }),
  grouped('rotary inside', ', do_rotary=1', { extra: ', cos, sin', weights: tables }),
  grouped('rotary inside, interleaved', ', do_rotary=1, rotary_interleaved=1', {
    extra: ', cos, sin',
    weights: tables,
  }),
  grouped('rotary inside, packed', '', {
    node: `/layer/qkv p = MatMul(h, wqkv)
    /layer/op a, pk, pv = com.microsoft.GroupQueryAttention(p, , , past, pastv, lens, total, cos, sin; num_heads=2, kv_num_heads=1, do_rotary=1)`,
    weights: { wqkv: f32(16, 64), ...tables },
  }),
  grouped('rotary outside', '', {
    node: `${projected}
    /layer/rq q2 = com.microsoft.RotaryEmbedding(q, at, cos, sin; num_heads=2, rotary_embedding_dim=16)
    /layer/rk k2 = com.microsoft.RotaryEmbedding(k, at, cos, sin; num_heads=1, rotary_embedding_dim=16)
    /layer/op a, pk, pv = com.microsoft.GroupQueryAttention(q2, k2, v, past, pastv, lens, total; num_heads=2, kv_num_heads=1)`,
    weights: { at: ['i64', [1], [0]], ...tables },
  }),
  grouped('local window', ', local_window_size=2'),
  grouped('softcap', ', softcap=1.5f'),
  grouped('smooth softmax', ', smooth_softmax=1'),
  grouped('a sink for each head', '', { extra: ', , , , , sink', weights: { sink: f32(2) } }),
  grouped('a scale', ', scale=0.3f'),
]

const multiHead = (name: string, inputs: string, attributes = '', more: More = {}) =>
  operator(
    `MultiHeadAttention, ${name}`,
    `/layer/q q = MatMul(h, wq)
    /layer/k k = MatMul(h, wk)
    /layer/v v = MatMul(h, wv)
    /layer/op ${more.outputs ? 'y, pk, pv' : 'y'} = com.microsoft.MultiHeadAttention(q, k, v${inputs}; num_heads=2${attributes})`,
    {
      inside: 'Softmax',
      ...more,
      weights: { wq: f32(16, 16), wk: f32(16, 16), wv: f32(16, 16), bias: f32(48), ...more.weights },
    },
  )
const masked: More = {
  inputs: { x: STATES, mask: ['i32', 'batch:2', 'tokens:3'] },
  given: { mask: [1, 1, 0, 1, 1, 1] },
}
const withPast: More = {
  inputs: { x: STATES, past: ['batch:2', 2, 'past:2', 8], pastv: ['batch:2', 2, 'past:2', 8] },
  outputs: ['pk', 'pv'],
}
const packedCall = (inputs: string, attributes = '', outputs = 'y'): string =>
  `/layer/op ${outputs} = com.microsoft.Attention(h, wqkv, bqkv${inputs}; num_heads=2${attributes})`
const packed: More = { weights: { wqkv: f32(16, 48), bqkv: f32(48) }, inside: 'Softmax' }
const standardCall = (inputs: string, attributes: string, outputs = 'y'): string =>
  `/layer/q q = MatMul(h, wq)
  /layer/k k = MatMul(h, wk)
  /layer/v v = MatMul(h, wv)
  /layer/op ${outputs} = Attention(q, k, v${inputs}; q_num_heads=2, kv_num_heads=1${attributes})`
const standard: More = { opset: 23, weights: { wq: f32(16, 16), wk: f32(16, 8), wv: f32(16, 8) }, inside: 'Softmax' }
const attention = [
  multiHead('plain', ''),
  multiHead('bias', ', bias'),
  multiHead('causal', '', ', unidirectional=1'),
  multiHead('a mask of keys', ', , mask', '', masked),
  multiHead('a cache', ', , , , past, pastv', '', withPast),
  operator('Attention of com.microsoft, plain', packedCall(''), packed),
  operator('Attention of com.microsoft, causal', packedCall('', ', unidirectional=1'), packed),
  operator('Attention of com.microsoft, a mask of keys', packedCall(', mask'), { ...packed, ...masked }),
  operator('Attention of com.microsoft, a cache', packedCall(', , past', '', 'y, present'), {
    ...packed,
    // The batch is not the first axis of the cache.
    inputs: { x: STATES, past: [2, 'batch:2', 2, 'past:2', 8] },
    outputs: ['present'],
  }),
  operator('Attention of opset 23, plain', standardCall('', ''), standard),
  operator('Attention of opset 23, causal with softcap', standardCall('', ', is_causal=1, softcap=1.5f'), standard),
  operator('Attention of opset 23, a mask of bools', standardCall(', mask', ''), {
    ...standard,
    inputs: { x: STATES, mask: ['bool', 'batch:2', 1, 'tokens:3', 'tokens:3'] },
    given: { mask: [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1] },
  }),
  operator('Attention of opset 23, a mask that is added', standardCall(', mask', ''), {
    ...standard,
    inputs: { x: STATES, mask: ['batch:2', 1, 'tokens:3', 'tokens:3'] },
  }),
  operator('Attention of opset 23, a cache', standardCall(', , past, pastv', ', is_causal=1', 'y, pk, pv'), {
    ...standard,
    inputs: { x: STATES, past: ['batch:2', 1, 'past:2', 8], pastv: ['batch:2', 1, 'past:2', 8] },
    outputs: ['pk', 'pv'],
  }),
  operator(
    'Attention of opset 23 by heads',
    `/layer/split s = Reshape(h, heads)
    /layer/turn t = Transpose(s; perm=[0, 2, 1, 3])
    /layer/op y = Attention(t, t, t; is_causal=1)`,
    // This operator is not written out, because the file does not declare the number of heads.
    { opset: 23, weights: { heads: ['i64', [4], [0, 0, 2, 8]] } },
  ),
]

const positions: More = {
  inputs: { x: STATES, at: ['i64', 'batch:2', 'tokens:3'] },
  given: { at: [0, 1, 2, 1, 2, 3] },
}
const rotary = [
  operator(
    'RotaryEmbedding of com.microsoft',
    '/layer/op y = com.microsoft.RotaryEmbedding(h, at, cos, sin; num_heads=2)',
    { ...positions, weights: { cos: f32(8, 4), sin: f32(8, 4) }, inside: 'Gather' },
  ),
  operator(
    'RotaryEmbedding of com.microsoft, interleaved',
    '/layer/op y = com.microsoft.RotaryEmbedding(h, at, cos, sin; num_heads=2, interleaved=1)',
    { ...positions, weights: { cos: f32(8, 4), sin: f32(8, 4) }, inside: 'Gather' },
  ),
  operator('RotaryEmbedding of opset 23', '/layer/op y = RotaryEmbedding(h, cos, sin, at; num_heads=2)', {
    ...positions,
    opset: 23,
    weights: { cos: f32(8, 4), sin: f32(8, 4) },
    inside: 'Gather',
  }),
]

const affine = { gamma: f32(16), beta: f32(16), bias: f32(16), w: f32(16, 16) }
const skipped = (name: string, call: string, more: More = {}) =>
  operator(name, `/layer/branch b = MatMul(h, w)\n/layer/op ${call}`, { weights: affine, inside: 'Add', ...more })
const norms = [
  operator('LayerNormalization', '/layer/op y = LayerNormalization(h, gamma, beta; axis=-1, epsilon=0.00001f)', {
    weights: affine,
    inside: 'ReduceMean',
  }),
  operator(
    'SimplifiedLayerNormalization',
    '/layer/op y = SimplifiedLayerNormalization(h, gamma; axis=-1, epsilon=0.00001f, stash_type=1)',
    { weights: affine, inside: 'ReduceMean' },
  ),
  operator('RMSNormalization of opset 23', '/layer/op y = RMSNormalization(h, gamma; axis=-1)', {
    opset: 23,
    weights: affine,
    inside: 'ReduceMean',
  }),
  skipped('SkipLayerNormalization', 'y = com.microsoft.SkipLayerNormalization(h, b, gamma, beta; epsilon=0.00001f)'),
  skipped(
    'SkipLayerNormalization with a bias, and its sum',
    'y, , , sum = com.microsoft.SkipLayerNormalization(h, b, gamma, beta, bias; epsilon=0.00001f)',
    { outputs: ['sum'] },
  ),
  skipped(
    'SkipSimplifiedLayerNormalization',
    'y = com.microsoft.SkipSimplifiedLayerNormalization(h, b, gamma; epsilon=0.00001f)',
  ),
  skipped(
    'SkipSimplifiedLayerNormalization with a bias, and its sum',
    'y, , , sum = com.microsoft.SkipSimplifiedLayerNormalization(h, b, gamma, bias; epsilon=0.00001f)',
    { outputs: ['sum'] },
  ),
]

const ids: More = { inputs: { ids: ['i64', 'batch:2', 'tokens:3'] }, given: { ids: [1, 2, 3, 0, 4, 2] } }
const embeddings = [
  operator(
    'EmbedLayerNormalization',
    '/layer/op y, lengths = com.microsoft.EmbedLayerNormalization(ids, , words, places, , gamma, beta; epsilon=0.00001f)',
    {
      inputs: { ids: ['i32', 'batch:2', 'tokens:3'] },
      given: ids.given,
      weights: { words: f32(5, 16), places: f32(6, 16), ...affine },
      inside: 'Add',
    },
  ),
  operator(
    'EmbedLayerNormalization with segments and a mask',
    '/layer/op y, lengths = com.microsoft.EmbedLayerNormalization(ids, kinds, words, places, segments, gamma, beta, mask; epsilon=0.00001f)',
    {
      inputs: {
        ids: ['i32', 'batch:2', 'tokens:3'],
        kinds: ['i32', 'batch:2', 'tokens:3'],
        mask: ['i32', 'batch:2', 'tokens:3'],
      },
      given: { ids: [1, 2, 3, 0, 4, 2], kinds: [0, 1, 1, 0, 0, 1], mask: [1, 1, 1, 1, 1, 0] },
      weights: { words: f32(5, 16), places: f32(6, 16), segments: f32(2, 16), ...affine },
      outputs: ['lengths'],
      inside: 'Add',
    },
  ),
  ...[4, 8].flatMap(bits =>
    [false, true].map(hasZero =>
      operator(
        `GatherBlockQuantized, ${bits} bits${hasZero ? ' with zero points' : ''}`,
        `/layer/op y = com.microsoft.GatherBlockQuantized(table, ids, scales${hasZero ? ', zeros' : ''}; gather_axis=0, quantize_axis=1, block_size=16, bits=${bits})`,
        {
          ...ids,
          opset: 21,
          weights: {
            table: bits === 4 ? ['u4', [5, 32]] : ['u8', [5, 32]],
            scales: f32(5, 2),
            zeros: bits === 4 ? ['u4', [5, 2]] : ['u8', [5, 2]],
          },
        },
      ),
    ),
  ),
]

const wide: Declared = ['batch:2', 'tokens:3', 32]
const products = [
  ...[4, 8].flatMap(bits =>
    ['', 'zero points', 'accuracy level 4'].map(form =>
      operator(
        `MatMulNBits, ${bits} bits${form && `, ${form}`}`,
        `/layer/op y = com.microsoft.MatMulNBits(h, w, scales${form === 'zero points' ? ', zeros' : ''}; K=32, N=16, bits=${bits}, block_size=16${form === 'accuracy level 4' ? ', accuracy_level=4' : ''})`,
        {
          inputs: { x: wide },
          weights: {
            w: ['u8', [16, 2, 2 * bits]],
            scales: f32(32),
            ...(form === 'zero points' ? { zeros: ['u8', [(16 * 2 * bits) / 8]] as Weight } : {}),
          },
        },
      ),
    ),
  ),
  operator('FusedMatMul', '/layer/op y = com.microsoft.FusedMatMul(h, w; transB=1, alpha=0.5f)', {
    weights: { w: f32(16, 16) },
    inside: 'MatMul',
  }),
  operator('FusedMatMul of two activations', '/layer/op y = com.microsoft.FusedMatMul(h, h; transB=1, alpha=0.25f)', {
    inside: 'MatMul',
  }),
  operator('FusedGemm', "/layer/op y = com.microsoft.FusedGemm(h, w, b; activation='Tanh')", {
    inputs: { x: ['batch:2', 16] },
    weights: { w: f32(16, 8), b: f32(8) },
    inside: 'Gemm',
  }),
  operator('FusedConv', "/layer/op y = com.microsoft.FusedConv(h, w; activation='Sigmoid')", {
    inputs: { x: ['batch:2', 2, 5, 5] },
    weights: { w: f32(3, 2, 3, 3) },
    inside: 'Conv',
  }),
]

const activations = [
  ...['BiasGelu', 'FastGelu'].map(opType =>
    operator(`${opType} with a bias`, `/layer/fc p = MatMul(h, w)\n/layer/op y = com.microsoft.${opType}(p, b)`, {
      weights: { w: f32(16, 16), b: f32(16) },
      inside: 'Add',
    }),
  ),
  ...['FastGelu', 'Gelu'].map(opType => operator(opType, `/layer/op y = com.microsoft.${opType}(h)`)),
  operator('QuickGelu', '/layer/op y = com.microsoft.QuickGelu(h; alpha=1.702f)', { inside: 'Sigmoid' }),
]

const routed = '/layer/flat r = Reshape(h, rows)\n/layer/router s = MatMul(r, wr)'
const experts = [
  operator('MoE', `${routed}\n/layer/op y = com.microsoft.MoE(r, s, w1, , w2; k=2, activation_type='silu')`, {
    weights: { rows: ['i64', [2], [-1, 16]], wr: f32(16, 3), w1: f32(3, 8, 16), w2: f32(3, 16, 8) },
    hasBatch: false,
    inside: 'ScatterElements',
  }),
  ...[4, 8].map(bits =>
    operator(
      `QMoE, ${bits} bits`,
      `${routed}\n/layer/op y = com.microsoft.QMoE(r, s, w1, s1, , w2, s2; k=1, activation_type='relu', expert_weight_bits=${bits})`,
      {
        weights: {
          rows: ['i64', [2], [-1, 16]],
          wr: f32(16, 2),
          w1: ['u8', [2, 16, 2 * bits]],
          s1: f32(2, 16),
          w2: ['u8', [2, 16, 2 * bits]],
          s2: f32(2, 16),
        },
        hasBatch: false,
        inside: 'ScatterElements',
      },
    ),
  ),
]

export const operators: readonly OperatorGraph[] = [
  ...gqa,
  ...attention,
  ...rotary,
  ...norms,
  ...embeddings,
  ...products,
  ...activations,
  ...experts,
]

/** The fused node of the file. */
export function fusedNode(graph: TextGraph) {
  const { nodes } = parseGraph(graph)
  return nodes.find(({ name }) => name.startsWith('/layer/op/'))!
}
