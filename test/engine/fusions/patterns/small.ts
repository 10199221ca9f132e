import type { TextGraph } from '../text-graph.ts'
import { hidden, normWeights, scalars } from './pieces.ts'

export const small: readonly TextGraph[] = [
  hidden(
    'MatMul and BatchNormalization',
    `h = Tanh(x)\n a = MatMul(h, w)\n t = Transpose(a; perm=[0, 2, 1])\n b = BatchNormalization(t, gamma, beta, beta, v)\n y = Neg(b)`,
    {
      weights: { ...normWeights, v: ['f32', [8], [1, 2, 3, 4, 5, 6, 7, 8]] },
    },
  ),
  hidden('a reciprocal and a product', `h = Exp(x)\n a = Div(one, h)\n b = Mul(a, x)\n y = Neg(b)`),
  hidden('Not and Where', `h = Tanh(x)\n c = Less(h, half)\n n = Not(c)\n d = Where(n, h, x)\n y = Neg(d)`),
  hidden(
    'nodes that do nothing',
    `h = Tanh(x)\n a = Identity(h)\n b = Add(a, zero)\n c = Mul(b, one)\n d = Cast(c; to=1)\n e = Dropout(d)\n f = Expand(e, s)\n g = Reshape(f, keep)\n i = Slice(g, from, to)\n j = Transpose(i; perm=[0, 1, 2])\n y = Neg(j)`,
    {
      weights: {
        ...scalars,
        s: ['i64', [3], [1, 1, 1]],
        keep: ['i64', [3], [0, 0, 0]],
        from: ['i64', [1], [0]],
        to: ['i64', [1], [9223372036854775000]],
      },
    },
  ),
  hidden('chains of Identity', `h = Tanh(x)\n a = Identity(h)\n b = Identity(a)\n c = Identity(b)\n y = Neg(c)`),
  hidden('equal nodes', `a = Tanh(x)\n b = Tanh(x)\n c = Neg(a)\n d = Neg(b)\n e = Add(c, d)\n y = Mul(e, a)`),
  hidden(
    'chains of casts',
    `h = Tanh(x)\n a = Cast(h; to=11)\n b = Cast(a; to=1)\n c = Cast(b; to=7)\n d = Cast(c; to=1)\n e = Add(b, d)\n y = Neg(e)`,
  ),
  hidden('casts before a shape', `h = Tanh(x)\n a = Cast(h; to=11)\n s = Shape(a)\n r = Reshape(h, s)\n y = Neg(r)`),
  hidden(
    'constants',
    `a = Mul(two, three)\n b = Add(a, one)\n c = Reshape(w, s)\n d = Transpose(c; perm=[1, 0])\n e = MatMul(x, d)\n f = Mul(e, b)\n y = Neg(f)`,
    {
      weights: { ...normWeights, s: ['i64', [2], [8, 8]] },
    },
  ),
  hidden(
    'sizes that are known',
    `h = Tanh(x)\n s = Shape(h)\n a = Gather(s, i0)\n b = Cast(a; to=1)\n c = Sqrt(b)\n d = Div(h, c)\n y = Neg(d)`,
    { weights: { i0: ['i64', [], [2]] } },
  ),
  hidden(
    'transposes around',
    `h = Tanh(x)\n a = Transpose(h; perm=[0, 2, 1])\n b = Relu(a)\n c = Add(b, row)\n d = Transpose(c; perm=[0, 2, 1])\n e = ReduceMean(d; axes=[1])\n y = Neg(e)`,
    { weights: { row: ['f32', [3]] } },
  ),
  hidden(
    'transposes and splits',
    `h = Tanh(x)\n a = Transpose(h; perm=[2, 0, 1])\n b, c = Split(a; axis=0)\n d = Add(b, c)\n e = Softmax(d; axis=-1)\n f = Transpose(e; perm=[1, 2, 0])\n g = Concat(f, f; axis=2)\n y = Neg(g)`,
  ),
  hidden(
    'transposes and reshapes',
    `h = Tanh(x)\n a = Transpose(h; perm=[0, 2, 1])\n b = Reshape(a, s)\n c = Transpose(b; perm=[0, 2, 1])\n d = MatMul(c, a)\n y = Neg(d)`,
    { weights: { s: ['i64', [3], [2, 8, 3]] } },
  ),
  hidden(
    'transposes and norms',
    `h = Tanh(x)\n a = Transpose(h; perm=[1, 0, 2])\n b = LayerNormalization(a, gamma, beta; axis=-1)\n c = Transpose(b; perm=[1, 0, 2])\n d = Add(c, h)\n y = Neg(d)`,
  ),
  hidden('Add and Softmax', `h = Tanh(x)\n a = Add(h, m)\n b = Softmax(a; axis=-1)\n y = Neg(b)`, {
    weights: { m: ['f32', [1, 1, 8]] },
  }),
  hidden('bias, dropout and residual', `h = Tanh(x)\n a = Add(h, bias)\n b = Dropout(a)\n c = Add(b, x)\n y = Neg(c)`),
]
