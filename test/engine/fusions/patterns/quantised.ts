import type { TextGraph } from '../text-graph.ts'
import { hidden, image, normWeights, Q } from './pieces.ts'

export const quantised: readonly TextGraph[] = [
  hidden(
    'quantised twice',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n q2 = QuantizeLinear(a, s2, z2)\n b = DequantizeLinear(q2, s2, z2)\n y = Neg(b)`,
    { weights: Q },
  ),
  hidden(
    'quantised around data',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n t = Transpose(a; perm=[0, 2, 1])\n q2 = QuantizeLinear(t, s, z)\n b = DequantizeLinear(q2, s, z)\n r = Reshape(b, flat)\n q3 = QuantizeLinear(r, s, z)\n c = DequantizeLinear(q3, s, z)\n y = Neg(c)`,
    {
      weights: { ...Q, flat: ['i64', [2], [8, -1]] },
    },
  ),
  hidden(
    'quantised MatMul',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n wf = DequantizeLinear(wq, s2, zi)\n m = MatMul(a, wf)\n q2 = QuantizeLinear(m, s2, z2)\n b = DequantizeLinear(q2, s2, z2)\n c = Relu(b)\n q3 = QuantizeLinear(c, s2, z2)\n d = DequantizeLinear(q3, s2, z2)\n y = Neg(d)`,
    {
      weights: { ...Q, wq: ['i8', [8, 8]] },
    },
  ),
  hidden(
    'quantised Add, Mul and Softmax',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n q2 = QuantizeLinear(x, s2, z2)\n b = DequantizeLinear(q2, s2, z2)\n c = Add(a, b)\n q3 = QuantizeLinear(c, s2, z2)\n d = DequantizeLinear(q3, s2, z2)\n e = Softmax(d; axis=-1)\n q4 = QuantizeLinear(e, s, z)\n f = DequantizeLinear(q4, s, z)\n g = Mul(f, d)\n q5 = QuantizeLinear(g, s, z)\n y = DequantizeLinear(q5, s, z)`,
    { weights: Q },
  ),
  hidden(
    'quantised Gemm',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n wf = DequantizeLinear(wq, s2, zi)\n bf = DequantizeLinear(bq, s3)\n m = Gemm(a, wf, bf; transB=1)\n q2 = QuantizeLinear(m, s2, z2)\n b = DequantizeLinear(q2, s2, z2)\n y = Neg(b)`,
    {
      inputs: { x: [4, 8] },
      weights: { ...Q, wq: ['i8', [8, 8]], bq: ['i32', [8]], s3: 0.005 },
    },
  ),
  image(
    'quantised Conv',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n wf = DequantizeLinear(wq, s2, zi)\n bf = DequantizeLinear(bq, s3)\n m = Conv(a, wf, bf; pads=[1,1,1,1])\n r = Relu(m)\n q2 = QuantizeLinear(r, s2, z)\n b = DequantizeLinear(q2, s2, z)\n p = MaxPool(b; kernel_shape=[2,2])\n q3 = QuantizeLinear(p, s2, z)\n c = DequantizeLinear(q3, s2, z)\n y = Neg(c)`,
    {
      weights: { ...Q, wq: ['i8', [16, 16, 3, 3]], bq: ['i32', [16]], s3: 0.005 },
    },
  ),
  image(
    'quantised Conv and Clip',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n wf = DequantizeLinear(wq, s2, zi)\n m = Conv(a, wf; pads=[1,1,1,1])\n r = Clip(m, low, high)\n q2 = QuantizeLinear(r, s2, z0)\n b = DequantizeLinear(q2, s2, z0)\n y = Neg(b)`,
    {
      weights: { ...Q, wq: ['i8', [16, 16, 3, 3]], low: 0, high: 6, z0: ['u8', [], [0]] },
    },
  ),
  image(
    'QLinearConv',
    `q = QuantizeLinear(x, s, z)\n m = QLinearConv(q, s, z, wq, s2, zi, s2, z2; pads=[1,1,1,1])\n n = QLinearConv(m, s2, z2, wq, s2, zi, s2, z2; pads=[1,1,1,1])\n y = DequantizeLinear(n, s2, z2)`,
    {
      weights: { ...Q, wq: ['i8', [16, 16, 3, 3]] },
    },
  ),
  hidden(
    'product of dynamically quantised',
    `q, s, z = DynamicQuantizeLinear(x)\n m = MatMulInteger(q, wq, z, wz)\n c = Cast(m; to=1)\n t = Mul(s, ws)\n r = Mul(c, t)\n a = Add(r, bias)\n y = Neg(a)`,
    {
      weights: { ...normWeights, wq: ['u8', [8, 8]], wz: ['u8', [], [3]], ws: 0.05 },
    },
  ),
  image(
    'Conv of dynamically quantised',
    `q, s, z = DynamicQuantizeLinear(x)\n m = ConvInteger(q, wq, z, wz; pads=[1,1,1,1])\n c = Cast(m; to=1)\n t = Mul(s, ws)\n r = Mul(c, t)\n y = Neg(r)`,
    {
      weights: { wq: ['u8', [16, 16, 3, 3]], wz: ['u8', [], [3]], ws: 0.05 },
    },
  ),
  hidden(
    'four bits in blocks',
    `h = Tanh(x)\n d = DequantizeLinear(wq, ws, wz; axis=0, block_size=32)\n m = MatMul(h, d)\n y = Neg(m)`,
    {
      inputs: { x: [2, 32] },
      weights: { wq: ['u4', [32, 16]], ws: ['f32', [1, 16]], wz: ['u4', [1, 16]] },
      opset: 21,
    },
  ),
  hidden(
    'clipped and quantised',
    `h = Tanh(x)\n a = Clip(h, low, high)\n b = QuantizeLinear(a, s, z0)\n c = DequantizeLinear(b, s, z0)\n d = Relu(c)\n e = QuantizeLinear(d, s, z0)\n f = DequantizeLinear(e, s, z0)\n y = Neg(f)`,
    { weights: { ...Q, low: 0, high: 6, z0: ['u8', [], [0]] } },
  ),
  image(
    'Conv between quantised, its bias in float32',
    `q = QuantizeLinear(x, s, z)\n a = DequantizeLinear(q, s, z)\n wq = QuantizeLinear(k, s2, zi)\n wf = DequantizeLinear(wq, s2, zi)\n m = Conv(a, wf, b; pads=[1,1,1,1])\n q2 = QuantizeLinear(m, s2, z)\n y = DequantizeLinear(q2, s2, z)`,
    {
      weights: { ...Q, k: ['f32', [16, 16, 3, 3]], b: ['f32', [16]] },
    },
  ),
  hidden(
    'two products of dynamically quantised',
    `q, s, z = DynamicQuantizeLinear(x)\n m = MatMulInteger(q, wq, z, wz)\n c = Cast(m; to=1)\n t = Mul(s, ws)\n r = Mul(c, t)\n m2 = MatMulInteger(q, wq2, z, wz)\n c2 = Cast(m2; to=1)\n t2 = Mul(s, ws2)\n r2 = Mul(c2, t2)\n a = Add(r2, bias)\n b = Relu(a)\n y = Add(r, b)`,
    {
      weights: { ...normWeights, wq: ['u8', [8, 8]], wq2: ['u8', [8, 8]], wz: ['u8', [], [3]], ws: 0.05, ws2: 0.02 },
    },
  ),
  hidden(
    'four-bit products and a bias',
    `h = Tanh(x)\n a = com.microsoft.MatMulNBits(h, wq, ws; K=32, N=32, bits=4, block_size=32)\n b = Add(a, bias)\n y = Neg(b)`,
    {
      inputs: { x: [2, 32] },
      weights: { wq: ['u8', [32, 1, 16]], ws: ['f32', [32]], bias: ['f32', [32]] },
    },
  ),
  hidden(
    'a four-bit MLP',
    `h = Add(x, x)\n n = SimplifiedLayerNormalization(h, gamma; axis=-1, epsilon=0.00001f, stash_type=1)\n a = com.microsoft.MatMulNBits(n, wq, ws; K=32, N=32, bits=4, block_size=32)\n b = com.microsoft.MatMulNBits(n, wq2, ws; K=32, N=32, bits=4, block_size=32)\n c = Sigmoid(a)\n d = Mul(a, c)\n e = Mul(d, b)\n f = com.microsoft.MatMulNBits(e, wq, ws; K=32, N=32, bits=4, block_size=32)\n y = Add(f, h)`,
    {
      inputs: { x: [2, 3, 32] },
      weights: { wq: ['u8', [32, 1, 16]], wq2: ['u8', [32, 1, 16]], ws: ['f32', [32]], gamma: ['f32', [32]] },
    },
  ),
]
