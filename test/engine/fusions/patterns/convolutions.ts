import type { TextGraph } from '../text-graph.ts'
import { image } from './pieces.ts'

export const convolutions: readonly TextGraph[] = [
  image(
    'Conv and BatchNormalization',
    `h = Relu(x)\n c = Conv(h, k, b; pads=[1,1,1,1])\n d = BatchNormalization(c, scale, shift, mean, variance)\n y = Neg(d)`,
  ),
  image('Conv and Mul', `h = Relu(x)\n d = Conv(h, k, b; pads=[1,1,1,1])\n e = Mul(d, each)\n y = Neg(e)`),
  image('Conv and Add', `h = Relu(x)\n d = Conv(h, k, b; pads=[1,1,1,1])\n e = Add(d, each)\n y = Neg(e)`),
  image(
    'Conv, Mul, Add and Relu',
    `h = Relu(x)\n d = Conv(h, k; pads=[1,1,1,1])\n e = Mul(d, each)\n f = Add(e, each)\n g = Relu(f)\n y = Neg(g)`,
  ),
  image(
    'Conv, residual and Relu',
    `h = Relu(x)\n d = Conv(h, k, b; pads=[1,1,1,1])\n e = Add(d, h)\n f = Relu(e)\n g = Conv(f, k2; pads=[1,1,1,1])\n y = Neg(g)`,
  ),
  image(
    'a chain of Conv',
    `h = Conv(x, k, b; pads=[1,1,1,1])\n d = Relu(h)\n e = MaxPool(d; kernel_shape=[2,2], strides=[2,2])\n f = Conv(e, k2; pads=[1,1,1,1])\n g = BatchNormalization(f, scale, shift, mean, variance)\n i = Add(g, e)\n j = Relu(i)\n l = GlobalAveragePool(j)\n y = Flatten(l)`,
  ),
  image(
    'Conv and Concat',
    `h = Conv(x, k, b; pads=[1,1,1,1])\n d = Relu(h)\n e = Conv(x, k2; pads=[1,1,1,1])\n f = Sigmoid(e)\n g = Mul(e, f)\n i = Concat(d, g; axis=1)\n j = AveragePool(i; kernel_shape=[2,2])\n y = Neg(j)`,
  ),
  image(
    'Conv and squeeze-and-excite',
    `h = Conv(x, k, b; pads=[1,1,1,1])\n d = GlobalAveragePool(h)\n e = Conv(d, k1)\n f = HardSigmoid(e)\n g = Mul(h, f)\n y = Relu(g)`,
    {
      weights: { k: ['f32', [16, 16, 3, 3]], b: ['f32', [16]], k1: ['f32', [16, 16, 1, 1]] },
    },
  ),
  ...['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSigmoid'].map(op =>
    image(`Conv and ${op}`, `h = Neg(x)\n d = Conv(h, k, b; pads=[1,1,1,1])\n e = ${op}(d)\n y = Neg(e)`),
  ),
  image('Conv and Clip', `h = Neg(x)\n d = Conv(h, k, b; pads=[1,1,1,1])\n e = Clip(d, low, high)\n y = Neg(e)`),
  image('Relu and Clip', `h = Neg(x)\n d = Relu(h)\n e = Clip(d, low, high)\n y = Neg(e)`),
  image('Pad and Conv', `h = Neg(x)\n p = Pad(h, pads)\n d = Conv(p, k, b)\n y = Neg(d)`),
  image(
    'Pad and pool',
    `h = Neg(x)\n p = Pad(h, pads)\n d = AveragePool(p; kernel_shape=[2,2], count_include_pad=1)\n y = Neg(d)`,
  ),
  image(
    'ConvTranspose and BatchNormalization',
    `h = Relu(x)\n e = ConvTranspose(h, k)\n f = BatchNormalization(e, scale, shift, mean, variance)\n g = Relu(f)\n y = Neg(g)`,
  ),
  image(
    'Conv and Resize',
    `h = Conv(x, k, b; pads=[1,1,1,1])\n d = Resize(h, none, sizes; mode='nearest')\n e = Conv(d, k2; pads=[1,1,1,1])\n f = Sigmoid(e)\n g = Mul(e, f)\n i = Conv(g, k; pads=[1,1,1,1])\n y = Relu(i)`,
    {
      weights: {
        k: ['f32', [16, 16, 3, 3]],
        b: ['f32', [16]],
        k2: ['f32', [16, 16, 3, 3]],
        none: ['f32', [0]],
        sizes: ['f32', [4], [1, 1, 2, 2]],
      },
    },
  ),
]
