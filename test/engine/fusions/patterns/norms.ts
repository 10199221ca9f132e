import type { TextGraph } from '../text-graph.ts'
import { hidden, m88, norm, rms, v8 } from './pieces.ts'

export const norms: readonly TextGraph[] = [
  hidden('layer norm', `h = Tanh(x)\n${norm('h', 'n')}\n y = Neg(n)`),
  hidden(
    'layer norm of two differences',
    `h = Tanh(x)
     a = ReduceMean(h; axes=[-1])
     b = Sub(h, a)
     b2 = Sub(h, a)
     c = Pow(b2, two)
     d = ReduceMean(c; axes=[-1])
     e = Add(d, eps)
     f = Sqrt(e)
     g = Div(b, f)
     i = Mul(g, gamma)
     j = Add(i, beta)
     y = Neg(j)`,
  ),
  hidden(
    'layer norm by a product',
    `h = Tanh(x)
     a = ReduceMean(h; axes=[-1])
     b = Sub(h, a)
     c = Mul(b, b)
     d = ReduceMean(c; axes=[-1])
     e = Add(d, eps)
     f = Sqrt(e)
     g = Div(b, f)
     i = Mul(g, gamma)
     j = Add(i, beta)
     y = Neg(j)`,
  ),
  hidden(
    'layer norm with casts',
    `h = Tanh(x)
     h2 = Cast(h; to=1)
     a = ReduceMean(h2; axes=[-1])
     b = Sub(h2, a)
     b2 = Cast(b; to=1)
     c = Pow(b2, two)
     d = ReduceMean(c; axes=[-1])
     e = Add(d, eps)
     f = Sqrt(e)
     g = Div(b, f)
     i = Mul(g, gamma)
     j = Add(i, beta)
     y = Neg(j)`,
  ),
  hidden('rms norm', `h = Tanh(x)\n${rms('h', 'n')}\n y = Neg(n)`),
  hidden(
    'rms norm by a reciprocal',
    `h = Tanh(x)
     a = Mul(h, h)
     b = ReduceMean(a; axes=[-1])
     c = Add(b, eps)
     d = Sqrt(c)
     e = Reciprocal(d)
     f = Mul(h, e)
     g = Mul(f, gamma)
     y = Neg(g)`,
  ),
  hidden('RMSNormalization', `h = Tanh(x)\n a = Add(h, x)\n b = RMSNormalization(a, gamma; axis=-1)\n y = Neg(b)`, {
    opset: 23,
  }),
  hidden(
    'skip and layer norm',
    `h = Tanh(x)\n a = Add(h, x)\n b = LayerNormalization(a, gamma, beta; axis=-1, epsilon=0.00001f)\n y = Neg(b)`,
  ),
  hidden(
    'skip, layer norm, and the sum goes on',
    `h = Tanh(x)\n a = Add(h, x)\n b = LayerNormalization(a, gamma, beta; axis=-1, epsilon=0.00001f)\n c = MatMul(b, w)\n y = Add(a, c)`,
  ),
  hidden(
    'bias, skip and layer norm',
    `h = MatMul(x, w)\n i = Add(h, bias)\n a = Add(i, x)\n b = LayerNormalization(a, gamma, beta; axis=-1, epsilon=0.00001f)\n c = MatMul(b, w2)\n y = Add(c, b)`,
  ),
  hidden(
    'bias after skip and layer norm',
    `h = MatMul(x, w)\n i = Add(x, h)\n a = Add(i, bias)\n b = LayerNormalization(a, gamma, beta; axis=-1, epsilon=0.00001f)\n y = Neg(b)`,
  ),
  hidden(
    'skip and layer norm in parts',
    `h = Tanh(x)\n a = Add(h, x)\n${norm('a', 'n')}\n c = MatMul(n, w)\n y = Add(a, c)`,
  ),
  hidden(
    'skip and rms norm in parts',
    `h = Tanh(x)\n a = Add(h, x)\n${rms('a', 'n')}\n c = MatMul(n, w)\n y = Add(a, c)`,
  ),
  hidden(
    'bias, skip and rms norm',
    `m = MatMul(x, w)\n h = Add(m, bias)\n a = Add(h, x)\n b = SimplifiedLayerNormalization(a, gamma; axis=-1, epsilon=0.00001f, stash_type=1)\n c = MatMul(b, w2)\n y = Add(a, c)`,
  ),
  {
    name: 'embeddings and layer norm',
    inputs: { ids: ['i64', 2, 4], segments: ['i64', 2, 4], mask: ['i64', 2, 4] },
    weights: {
      words: ['f32', [8, 8]],
      places: ['f32', [6, 8]],
      kinds: ['f32', [8, 8]],
      positions: ['i64', [1, 4], [0, 1, 2, 3]],
      gamma: v8(),
      beta: v8(),
      w: m88(),
    },
    nodes: `a = Gather(words, ids)
      b = Gather(places, positions)
      c = Gather(kinds, segments)
      d = Add(a, b)
      e = Add(d, c)
      f = LayerNormalization(e, gamma, beta; axis=-1, epsilon=0.00001f)
      m = Cast(mask; to=6)
      n = ReduceSum(m; keepdims=0)
      g = MatMul(f, w)
      y = Neg(g)`,
    outputs: ['y', 'n'],
  },
  {
    name: 'embeddings of computed positions',
    inputs: { ids: ['i64', 'batch:2', 'tokens:4'] },
    weights: {
      words: ['f32', [8, 8]],
      places: ['f32', [6, 8]],
      gamma: v8(),
      beta: v8(),
      w: m88(),
      at: ['i64', [], [1]],
      zero: ['i64', [], [0]],
      step: ['i64', [], [1]],
      axis: ['i64', [1], [0]],
    },
    nodes: `a = Gather(words, ids)
      s = Shape(ids)
      l = Gather(s, at)
      r = Range(zero, l, step)
      u = Unsqueeze(r, axis)
      v = Expand(u, s)
      b = Gather(places, v)
      d = Add(a, b)
      f = LayerNormalization(d, gamma, beta; axis=-1, epsilon=0.00001f)
      g = MatMul(f, w)
      y = Neg(g)`,
  },
]
