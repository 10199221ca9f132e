import type { TextGraph } from '../text-graph.ts'
import { hidden } from './pieces.ts'

export const shapes: readonly TextGraph[] = [
  hidden(
    'a shape put together',
    `h = Tanh(x)\n s = Shape(h)\n a = Gather(s, i0)\n b = Gather(s, i1)\n a1 = Unsqueeze(a, ax)\n b1 = Unsqueeze(b, ax)\n c = Concat(a1, b1, i2, i4; axis=0)\n r = Reshape(h, c)\n t = Transpose(r; perm=[0, 2, 1, 3])\n y = Neg(t)`,
    {
      inputs: { x: ['batch:2', 'tokens:3', 8] },
      weights: {
        i0: ['i64', [], [0]],
        i1: ['i64', [], [1]],
        ax: ['i64', [1], [0]],
        i2: ['i64', [1], [2]],
        i4: ['i64', [1], [4]],
      },
    },
  ),
  hidden(
    'shapes put together of slices',
    `h = Tanh(x)\n s = Shape(h)\n a = Slice(s, at0, at2)\n c = Concat(a, rest; axis=0)\n r = Reshape(h, c)\n y = Neg(r)`,
    {
      inputs: { x: ['batch:2', 'tokens:3', 8] },
      weights: { at0: ['i64', [1], [0]], at2: ['i64', [1], [2]], rest: ['i64', [2], [2, -1]] },
    },
  ),
  hidden(
    'a reshape of a reshape',
    `h = Tanh(x)\n a = Reshape(h, s1)\n b = Reshape(a, s2)\n c = Reshape(b, s3)\n y = Neg(c)`,
    {
      weights: { s1: ['i64', [2], [6, 8]], s2: ['i64', [3], [3, 2, 8]], s3: ['i64', [2], [3, 16]] },
    },
  ),
  hidden(
    'squeezes and reshapes',
    `h = Tanh(x)\n a = Unsqueeze(h, ax)\n b = Reshape(a, s2)\n c = Squeeze(b, ax)\n y = Neg(c)`,
    {
      weights: { ax: ['i64', [1], [1]], s2: ['i64', [4], [2, 1, 8, 3]] },
    },
  ),
  hidden(
    'gathers that split',
    `h = Tanh(x)\n a = Gather(h, i0; axis=1)\n b = Gather(h, i1; axis=1)\n c = Gather(h, i2; axis=1)\n d = Add(a, b)\n y = Mul(d, c)`,
    {
      weights: { i0: ['i64', [], [0]], i1: ['i64', [], [1]], i2: ['i64', [], [2]] },
    },
  ),
  hidden(
    'slices that split',
    `h = Tanh(x)\n a = Slice(h, a0, a4, ax)\n b = Slice(h, a4, a8, ax)\n d = Neg(a)\n e = Concat(d, b; axis=2)\n y = Neg(e)`,
    {
      weights: { a0: ['i64', [1], [0]], a4: ['i64', [1], [4]], a8: ['i64', [1], [8]], ax: ['i64', [1], [2]] },
    },
  ),
  hidden('a gather of a range', `h = Tanh(x)\n r = Range(zero, end, step)\n a = Gather(h, r; axis=1)\n y = Neg(a)`, {
    weights: { zero: ['i64', [], [0]], step: ['i64', [], [1]], end: ['i64', [], [2]] },
  }),
  hidden(
    'slices into depth',
    `h = Relu(x)
     a1 = Slice(h, a0, big, ax2, st)
     b1 = Slice(h, a1s, big, ax2, st)
     a = Slice(a1, a0, big, ax3, st)
     b = Slice(b1, a0, big, ax3, st)
     c = Slice(a1, a1s, big, ax3, st)
     d = Slice(b1, a1s, big, ax3, st)
     e = Concat(a, b, c, d; axis=1)
     f = Conv(e, k)
     y = Neg(f)`,
    {
      inputs: { x: [1, 3, 4, 4] },
      weights: {
        a0: ['i64', [1], [0]],
        a1s: ['i64', [1], [1]],
        big: ['i64', [1], [1000]],
        ax2: ['i64', [1], [2]],
        ax3: ['i64', [1], [3]],
        st: ['i64', [1], [2]],
        k: ['f32', [4, 12, 1, 1]],
      },
    },
  ),
]
