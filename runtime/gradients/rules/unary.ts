import type { Attributes } from '../../onnx/expansions/attributes.ts'
import { where } from '../../tensor/ops/comparison.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'

/** Computes the derivative of y = f(x) from x, y and the node's attributes. */
type Derivative = (x: Tensor, y: Tensor, attributes: Attributes) => Tensor

/** The rule of an elementwise function: multiplies the gradient by the derivative. */
const elementwise =
  (derivative: Derivative): Rule =>
  node => [() => gradientOf(node).mul(derivative(inputOf(node, 0), resultOf(node), node.attributes))]

/** The rule of a function with derivative 1 where the condition holds and 0 elsewhere. There a NaN in the gradient becomes 0 too. */
const passing =
  (condition: (x: Tensor, attributes: Attributes) => Tensor): Rule =>
  node => [() => where(condition(inputOf(node, 0), node.attributes), gradientOf(node), 0)]

const square = (x: Tensor): Tensor => x.mul(x)

/** The density of the standard normal distribution. */
const normalDensity = (x: Tensor): Tensor =>
  square(x)
    .mul(-0.5)
    .exp()
    .mul(1 / Math.sqrt(2 * Math.PI))

/** The distribution function of the standard normal distribution. */
const normalProbability = (x: Tensor): Tensor => x.mul(Math.SQRT1_2).erf().add(1).mul(0.5)

/** The derivative of x·Φ(x), or of its approximation ½·x·(1 + tanh √(2/π)·(x + 0.044715·x³)) (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
function gelu(x: Tensor, approximation: string): Tensor {
  if (approximation !== 'tanh') return normalProbability(x).add(x.mul(normalDensity(x)))
  const scale = Math.sqrt(2 / Math.PI)
  const t = x.add(square(x).mul(x).mul(0.044715)).mul(scale).tanh()
  const inner = square(x)
    .mul(3 * 0.044715)
    .add(1)
    .mul(scale)
  return t
    .add(1)
    .mul(0.5)
    .add(x.mul(0.5).mul(square(t).rsub(1)).mul(inner))
}

const SELU_ALPHA = 1.6732632423543772
const SELU_GAMMA = 1.0507009873554805

/** The derivative of a function that is `slope`·x above 0, and `scale`·(e^(x / `width`) − 1) below. */
const exponentialBelow = (x: Tensor, slope: number, scale: number, width: number): Tensor =>
  where(
    x.gt(0),
    slope,
    x
      .div(width)
      .exp()
      .mul(scale / width),
  )

/** The rules of elementwise operators with one input. */
export const unaryRules: Readonly<Record<string, Rule>> = {
  Identity: node => [() => gradientOf(node)],
  Neg: node => [() => gradientOf(node).neg()],
  Abs: elementwise(x => x.sign()),
  Sqrt: elementwise((_, y) => y.reciprocal().mul(0.5)),
  Reciprocal: elementwise((_, y) => square(y).neg()),
  Exp: elementwise((_, y) => y),
  Log: elementwise(x => x.reciprocal()),
  Sin: elementwise(x => x.cos()),
  Cos: elementwise(x => x.sin().neg()),
  Tan: elementwise((_, y) => square(y).add(1)),
  Asin: elementwise(x => square(x).rsub(1).rsqrt()),
  Acos: elementwise(x => square(x).rsub(1).rsqrt().neg()),
  Atan: elementwise(x => square(x).add(1).reciprocal()),
  Sinh: elementwise(x => x.exp().add(x.neg().exp()).mul(0.5)),
  Cosh: elementwise(x => x.exp().sub(x.neg().exp()).mul(0.5)),
  Tanh: elementwise((_, y) => square(y).rsub(1)),
  Asinh: elementwise(x => square(x).add(1).rsqrt()),
  Acosh: elementwise(x => square(x).sub(1).rsqrt()),
  Atanh: elementwise(x => square(x).rsub(1).reciprocal()),
  Erf: elementwise(x =>
    square(x)
      .neg()
      .exp()
      .mul(2 / Math.sqrt(Math.PI)),
  ),
  Sigmoid: elementwise((_, y) => y.mul(y.rsub(1))),
  Softplus: elementwise(x => x.sigmoid()),
  Softsign: elementwise(x => square(x.abs().add(1)).reciprocal()),
  Relu: passing(x => x.gt(0)),
  ThresholdedRelu: passing((x, attributes) => x.gt(attributes.float('alpha', 1))),
  Shrink: passing((x, attributes) => x.abs().gt(attributes.float('lambd', 0.5))),
  LeakyRelu: elementwise((x, _, attributes) => where(x.gt(0), 1, x.mul(0).add(attributes.float('alpha', 0.01)))),
  Elu: elementwise((x, _, attributes) => exponentialBelow(x, 1, attributes.float('alpha', 1), 1)),
  Selu: elementwise((x, _, attributes) => {
    const gamma = attributes.float('gamma', SELU_GAMMA)
    return exponentialBelow(x, gamma, gamma * attributes.float('alpha', SELU_ALPHA), 1)
  }),
  Celu: elementwise((x, _, attributes) => {
    const alpha = attributes.float('alpha', 1)
    return exponentialBelow(x, 1, alpha, alpha)
  }),
  HardSigmoid: elementwise((x, _, attributes) => {
    const [alpha, beta] = [attributes.float('alpha', 0.2), attributes.float('beta', 0.5)]
    const inner = x.mul(alpha).add(beta)
    return where(inner.gt(0).and(inner.lt(1)), alpha, inner.mul(0))
  }),
  HardSwish: elementwise(x => where(x.le(-3), x.mul(0), where(x.ge(3), 1, x.div(3).add(0.5)))),
  Mish: elementwise(x => {
    const t = x.softplus().tanh()
    return t.add(x.mul(square(t).rsub(1)).mul(x.sigmoid()))
  }),
  Gelu: elementwise((x, _, attributes) => gelu(x, attributes.text('approximate'))),
  Dropout: node => [() => gradientOf(node)],
  // The derivative of these is 0, except at their steps, where there is none.
  ...Object.fromEntries(
    ['Sign', 'Floor', 'Ceil', 'Round'].map((opType): [string, Rule] => [
      opType,
      node => [() => gradientOf(node).mul(0)],
    ]),
  ),
}
