import type { TextGraph } from '../text-graph.ts'
import { hidden, scalars } from './pieces.ts'

export const attention: readonly TextGraph[] = [
  {
    name: 'attention',
    inputs: { x: [2, 4, 16], mask: ['i64', 2, 4] },
    weights: {
      ...scalars,
      wq: ['f32', [16, 16]],
      wk: ['f32', [16, 16]],
      wv: ['f32', [16, 16]],
      wo: ['f32', [16, 16]],
      bq: ['f32', [16]],
      bk: ['f32', [16]],
      bv: ['f32', [16]],
      bo: ['f32', [16]],
      gamma: ['f32', [16]],
      beta: ['f32', [16]],
      split: ['i64', [4], [0, 0, 2, 8]],
      join: ['i64', [3], [0, 0, 16]],
      scale: 2.8284270763397217,
      far: -10000,
      axes: ['i64', [2], [1, 2]],
    },
    nodes: `h = LayerNormalization(x, gamma, beta; axis=-1, epsilon=0.00001f)
      q1 = MatMul(h, wq)
      q2 = Add(q1, bq)
      q3 = Reshape(q2, split)
      q = Transpose(q3; perm=[0, 2, 1, 3])
      k1 = MatMul(h, wk)
      k2 = Add(k1, bk)
      k3 = Reshape(k2, split)
      k = Transpose(k3; perm=[0, 2, 3, 1])
      v1 = MatMul(h, wv)
      v2 = Add(v1, bv)
      v3 = Reshape(v2, split)
      v = Transpose(v3; perm=[0, 2, 1, 3])
      m1 = Unsqueeze(mask, axes)
      m2 = Cast(m1; to=1)
      m3 = Sub(one, m2)
      m = Mul(m3, far)
      s1 = MatMul(q, k)
      s2 = Div(s1, scale)
      s3 = Add(s2, m)
      s = Softmax(s3; axis=-1)
      c1 = MatMul(s, v)
      c2 = Transpose(c1; perm=[0, 2, 1, 3])
      c3 = Reshape(c2, join)
      o1 = MatMul(c3, wo)
      o2 = Add(o1, bo)
      o = Add(o2, h)
      y = LayerNormalization(o, gamma, beta; axis=-1, epsilon=0.00001f)`,
  },
  {
    name: 'causal attention',
    inputs: { x: [1, 4, 16] },
    weights: {
      wqkv: ['f32', [16, 48]],
      bqkv: ['f32', [48]],
      split: ['i64', [4], [0, 0, 2, 8]],
      join: ['i64', [3], [0, 0, 16]],
      parts: ['i64', [3], [16, 16, 16]],
      scale: 2.8284270763397217,
      far: -10000,
      causal: ['bool', [1, 1, 4, 4], [1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]],
      wo: ['f32', [16, 16]],
      bo: ['f32', [16]],
    },
    nodes: `a1 = MatMul(x, wqkv)
      a2 = Add(a1, bqkv)
      q1, k1, v1 = Split(a2, parts; axis=2)
      q2 = Reshape(q1, split)
      q = Transpose(q2; perm=[0, 2, 1, 3])
      k2 = Reshape(k1, split)
      k = Transpose(k2; perm=[0, 2, 3, 1])
      v2 = Reshape(v1, split)
      v = Transpose(v2; perm=[0, 2, 1, 3])
      s1 = MatMul(q, k)
      s2 = Div(s1, scale)
      s3 = Where(causal, s2, far)
      s = Softmax(s3; axis=-1)
      c1 = MatMul(s, v)
      c2 = Transpose(c1; perm=[0, 2, 1, 3])
      c3 = Reshape(c2, join)
      o1 = MatMul(c3, wo)
      o2 = Add(o1, bo)
      y = Add(x, o2)`,
  },
  {
    name: 'rotary positions and grouped attention',
    inputs: {
      x: [1, 4, 32],
      positions: ['i64', 1, 4],
      past: [1, 1, 0, 16],
      pastv: [1, 1, 0, 16],
    },
    weights: {
      wq: ['f32', [32, 32]],
      wk: ['f32', [32, 16]],
      wv: ['f32', [32, 16]],
      lens: ['i32', [1], [3]],
      total: ['i32', [], [4]],
      cos: ['f32', [8, 8]],
      sin: ['f32', [8, 8]],
      wo: ['f32', [32, 32]],
    },
    nodes: `q = MatMul(x, wq)
      k = MatMul(x, wk)
      v = MatMul(x, wv)
      q2 = com.microsoft.RotaryEmbedding(q, positions, cos, sin; num_heads=2, rotary_embedding_dim=16)
      k2 = com.microsoft.RotaryEmbedding(k, positions, cos, sin; num_heads=1, rotary_embedding_dim=16)
      a, pk, pv = com.microsoft.GroupQueryAttention(q2, k2, v, past, pastv, lens, total; num_heads=2, kv_num_heads=1)
      y = MatMul(a, wo)`,
    outputs: ['y', 'pk', 'pv'],
  },
  hidden(
    'rotary positions in parts',
    `a = Slice(x, a0, a4, ax)\n b = Slice(x, a4, a8, ax)\n c = Neg(b)\n d = Concat(c, a; axis=2)\n e = Mul(x, cos)\n f = Mul(d, sin)\n g = Add(e, f)\n y = Neg(g)`,
    {
      weights: {
        a0: ['i64', [1], [0]],
        a4: ['i64', [1], [4]],
        a8: ['i64', [1], [8]],
        ax: ['i64', [1], [2]],
        cos: ['f32', [3, 8]],
        sin: ['f32', [3, 8]],
      },
    },
  ),
  hidden(
    'heads put together',
    `a = Split(x; axis=2)`.replace(
      'a = Split(x; axis=2)',
      'a, b = Split(x; axis=2)\n c = Unsqueeze(a, ax)\n d = Unsqueeze(b, ax)\n e = Concat(c, d; axis=1)\n f = Transpose(e; perm=[0, 2, 1, 3])\n g = Reshape(f, keep)\n y = Neg(g)',
    ),
    {
      weights: { ax: ['i64', [1], [1]], keep: ['i64', [3], [0, 0, 8]] },
    },
  ),
]
