import type { TextGraph } from '../text-graph.ts'
import { hidden, last, tanhGelu } from './pieces.ts'

export const activations: readonly TextGraph[] = [
  hidden('gelu by tanh', `h = Relu(x)\n${tanhGelu('h', 'g')}\n y = Neg(g)`),
  hidden('gelu by tanh of an input', `${tanhGelu('x', 'g')}\n y = Neg(g)`),
  hidden(
    'gelu by tanh, written the other way',
    `h = Relu(x)
     a = Mul(h, cubic)
     b = Mul(a, h)
     c = Add(b, one)
     d = Mul(h, root)
     e = Mul(c, d)
     f = Tanh(e)
     g = Add(f, one)
     i = Mul(h, half)
     j = Mul(i, g)
     y = Neg(j)`,
  ),
  hidden(
    'gelu by tanh after a bias',
    `m = MatMul(x, w)\n h = Add(m, bias)\n${tanhGelu('h', 'g')}\n n = MatMul(g, w2)\n y = Neg(n)`,
  ),
  hidden(
    'gelu by erf',
    `h = Relu(x)
     a = Div(h, sqrt2)
     b = Erf(a)
     c = Add(b, one)
     d = Mul(h, c)
     e = Mul(d, half)
     y = Neg(e)`,
  ),
  hidden(
    'gelu by erf, the half first',
    `h = Relu(x)
     i = Mul(h, half)
     a = Div(h, sqrt2)
     b = Erf(a)
     c = Add(b, one)
     e = Mul(i, c)
     y = Neg(e)`,
  ),
  hidden(
    'gelu by erf of a product',
    `h = Relu(x)
     a = Mul(h, rsqrt2)
     b = Erf(a)
     c = Add(b, one)
     d = Mul(c, half)
     e = Mul(h, d)
     y = Neg(e)`,
  ),
  hidden(
    'gelu by erf after a bias',
    `m = MatMul(x, w)
     h = Add(m, bias)
     a = Div(h, sqrt2)
     b = Erf(a)
     c = Add(b, one)
     d = Mul(h, c)
     e = Mul(d, half)
     n = MatMul(e, w2)
     y = Neg(n)`,
  ),
  hidden('Gelu after a bias', `m = MatMul(x, w)\n h = Add(m, bias)\n g = com.microsoft.Gelu(h)\n y = Neg(g)`),
  hidden('FastGelu after a bias', `m = MatMul(x, w)\n h = Add(m, bias)\n g = com.microsoft.FastGelu(h)\n y = Neg(g)`),
  hidden('Gelu of opset 20', `m = MatMul(x, w)\n h = Add(m, bias)\n g = Gelu(h; approximate='tanh')\n y = Neg(g)`, {
    opset: 20,
  }),
  hidden('quick gelu', `h = Tanh(x)\n a = Mul(h, quick)\n b = Sigmoid(a)\n c = Mul(h, b)\n y = Neg(c)`),
  hidden('silu', `h = Tanh(x)\n b = Sigmoid(h)\n c = Mul(h, b)\n y = Neg(c)`),
  hidden('hard swish', `h = Tanh(x)\n b = HardSigmoid(h; alpha=0.16666667f, beta=0.5f)\n c = Mul(h, b)\n y = Neg(c)`),
  hidden(
    'silu of a gate',
    `a = MatMul(x, w)\n b = Sigmoid(a)\n c = Mul(a, b)\n d = MatMul(x, w2)\n e = Mul(c, d)\n y = Neg(e)`,
  ),
  hidden(
    'softmax in parts',
    `a = ReduceMax(x; axes=[-1])\n b = Sub(x, a)\n c = Exp(b)\n d = ReduceSum(c, ax)\n e = Div(c, d)\n y = Neg(e)`,
    { weights: { ax: last } },
  ),
]
