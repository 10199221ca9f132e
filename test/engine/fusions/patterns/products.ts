import type { TextGraph } from '../text-graph.ts'
import { hidden, normWeights } from './pieces.ts'

export const products: readonly TextGraph[] = [
  hidden('MatMul and Add, 2D', `h = Tanh(x)\n a = MatMul(h, w)\n b = Add(a, bias)\n y = Neg(b)`, {
    inputs: { x: [4, 8] },
  }),
  hidden('MatMul and Add, 3D', `h = Tanh(x)\n a = MatMul(h, w)\n b = Add(bias, a)\n y = Neg(b)`),
  hidden(
    'MatMul and Add of a flattened tensor',
    `h = Tanh(x)\n r = Reshape(h, flat)\n a = MatMul(r, w)\n b = Add(a, bias)\n t = Reshape(b, back)\n y = Neg(t)`,
    {
      weights: { ...normWeights, flat: ['i64', [2], [-1, 8]], back: ['i64', [3], [2, 3, 8]] },
    },
  ),
  hidden(
    'scaled products',
    `h = Tanh(x)\n a = Mul(h, two)\n t = Transpose(x; perm=[0, 2, 1])\n b = Div(t, three)\n c = MatMul(a, b)\n d = Mul(c, half)\n y = Neg(d)`,
  ),
  hidden(
    'a transposed factor',
    `h = Tanh(x)\n t = Transpose(h; perm=[0, 2, 1])\n c = MatMul(x, t)\n d = Mul(c, half)\n y = Neg(d)`,
  ),
  hidden(
    'a transposed and cast factor',
    `h = Tanh(x)\n t = Transpose(h; perm=[0, 2, 1])\n u = Cast(t; to=1)\n c = MatMul(x, u)\n y = Neg(c)`,
  ),
  hidden(
    'transposed factors of more axes',
    `h = Tanh(x)\n t = Transpose(h; perm=[1, 0, 2, 3])\n i = Sigmoid(x)\n u = Transpose(i; perm=[1, 0, 3, 2])\n c = MatMul(t, u)\n y = Neg(c)`,
    { inputs: { x: [2, 3, 4, 5] } },
  ),
  hidden('Gemm and Sum', `h = Tanh(x)\n g = Gemm(h, w)\n a = Sum(g, h)\n y = Neg(a)`, { inputs: { x: [4, 8] } }),
  hidden(
    'transposed Gemm',
    `h = Tanh(x)\n t = Transpose(h; perm=[1, 0])\n g = Gemm(t, w, bias)\n u = Transpose(g; perm=[1, 0])\n y = Neg(u)`,
    { inputs: { x: [8, 8] } },
  ),
  ...['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu'].map(op =>
    hidden(`Gemm and ${op}`, `h = Neg(x)\n g = Gemm(h, w, bias)\n a = ${op}(g)\n y = Neg(a)`, {
      inputs: { x: [4, 8] },
    }),
  ),
  hidden('MatMul, Add and Relu', `h = Neg(x)\n m = MatMul(h, w)\n g = Add(m, bias)\n a = Relu(g)\n y = Neg(a)`, {
    inputs: { x: [4, 8] },
  }),
  hidden(
    'a cast and transposed factor',
    `h = Tanh(x)\n u = Cast(h; to=1)\n t = Transpose(u; perm=[0, 2, 1])\n c = MatMul(x, t)\n y = Neg(c)`,
  ),
  hidden(
    'two transposed and cast factors, scaled',
    `h = Tanh(x)\n t = Transpose(h; perm=[0, 2, 1])\n u = Cast(t; to=1)\n v = Transpose(x; perm=[0, 2, 1])\n z = Cast(v; to=1)\n c = MatMul(z, u)\n d = Mul(c, half)\n y = Neg(d)`,
    { inputs: { x: [2, 8, 8] } },
  ),
  hidden(
    'a transposed factor of FusedMatMul',
    `h = Tanh(x)\n t = Transpose(h; perm=[0, 2, 1])\n u = Cast(t; to=1)\n c = com.microsoft.FusedMatMul(x, u; alpha=0.5f)\n d = Mul(c, half)\n y = Neg(d)`,
  ),
  hidden(
    'a product that is scaled, a bias and a norm',
    `a = Mul(x, half)\n b = MatMul(a, w)\n c = Mul(b, two)\n d = Add(c, bias)\n e = LayerNormalization(d, gamma, beta; axis=-1)\n f = Mul(e, half)\n y = MatMul(f, w2)`,
  ),
  hidden(
    'Gemm and BatchNormalization',
    `h = Tanh(x)\n a = Gemm(h, w, bias)\n b = BatchNormalization(a, gamma, beta, beta, v)\n c = Relu(b)\n y = Neg(c)`,
    {
      inputs: { x: [4, 8] },
      weights: { ...normWeights, v: ['f32', [8], [1, 2, 3, 4, 5, 6, 7, 8]] },
    },
  ),
]
