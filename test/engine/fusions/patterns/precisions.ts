import type { TextGraph } from '../text-graph.ts'
import { scalars, tanhGelu } from './pieces.ts'

export const precisions: readonly TextGraph[] = [
  {
    name: 'float16 on the CPU',
    inputs: { x: ['f16', 2, 8] },
    weights: { w: ['f16', [8, 8]], b: ['f16', [8]], g: ['f16', [8]] },
    nodes: `h = Tanh(x)\n m = MatMul(h, w)\n a = Add(m, b)\n r = Relu(a)\n s = Softmax(r; axis=-1)\n n = LayerNormalization(s, g, b; axis=-1)\n c = Cast(n; to=1)\n d = Cast(c; to=10)\n e = Add(d, h)\n y = Neg(e)`,
  },
  {
    name: 'gelu in float16',
    inputs: { x: ['f16', 2, 8] },
    weights: {
      three: ['f16', [], [3]],
      cubic: ['f16', [], [0.044715]],
      root: ['f16', [], [0.79788]],
      one: ['f16', [], [1]],
      half: ['f16', [], [0.5]],
    },
    nodes: `h = Relu(x)\n${tanhGelu('h', 'g')}\n y = Neg(g)`,
  },
  {
    name: 'gelu in float32 between casts',
    inputs: { x: ['f16', 2, 8] },
    weights: scalars,
    nodes: `h = Relu(x)\n i = Cast(h; to=1)\n${tanhGelu('i', 'g')}\n j = Cast(g; to=10)\n y = Neg(j)`,
  },
  {
    name: 'rms norm between casts',
    inputs: { x: ['f16', 2, 3, 8] },
    weights: { ...scalars, gamma: ['f16', [8]] },
    nodes: `h = Tanh(x)
      i = Cast(h; to=1)
      a = Pow(i, two)
      b = ReduceMean(a; axes=[-1])
      c = Add(b, eps)
      d = Sqrt(c)
      e = Div(i, d)
      f = Cast(e; to=10)
      g = Mul(f, gamma)
      y = Neg(g)`,
  },
  {
    name: 'label encoders',
    inputs: { x: ['i64', 2, 3] },
    nodes: `h = Neg(x)\n i = Neg(h)\n a = ai.onnx.ml.LabelEncoder(i; keys_int64s=[0,1,2,3], values_int64s=[3,2,1,0], default_int64=9)\n b = ai.onnx.ml.LabelEncoder(a; keys_int64s=[0,1,2,3], values_int64s=[5,6,7,8], default_int64=4)\n y = Neg(b)`,
  },
]
