import { where } from '../../tensor/ops/comparison.ts'
import { castTo } from '../../tensor/ops/support/kernel.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { gradientOf, inputOf, type Rule, resultOf } from '../forward-node.ts'
import { broadcasting } from '../shapes.ts'

/** The rule of Max and Min. Inputs that are equally the largest or smallest share the gradient, as in PyTorch's `amax`. */
const extreme: Rule = node => {
  const result = resultOf(node)
  const inputs = node.inputs.map((_, i) => inputOf(node, i))
  const isChosen = (input: Tensor): Tensor => castTo(input.eq(result), result.type)
  return inputs.map(input => () => {
    const chosen = inputs.map(isChosen).reduce((sum, one) => sum.add(one))
    return gradientOf(node).mul(isChosen(input)).div(chosen)
  })
}

/** The rule of Pow: the derivative is p·x^(p − 1) by x, and x^p·ln x by p, but 0 where x is 0. */
const power: Rule = node => {
  const [x, exponent] = [inputOf(node, 0), inputOf(node, 1)]
  const constant = node.inputs[1]?.number
  const gradient = gradientOf(node)
  const byBase = (): Tensor => {
    if (constant === 2) return gradient.mul(x).mul(2)
    if (constant === 3) return gradient.mul(x).mul(x).mul(3)
    const p = castTo(exponent, x.type)
    return gradient.mul(where(p.eq(0), 0, p.mul(x.pow(p.sub(1)))))
  }
  const byExponent = (): Tensor => {
    const y = resultOf(node)
    return castTo(gradient.mul(where(x.eq(0), y.mul(0), y.mul(x.log()))), exponent.type)
  }
  return [byBase, byExponent]
}

/** The rules of elementwise operators with several inputs. All but Clip broadcast them. */
export const binaryRules: Readonly<Record<string, Rule>> = {
  Add: broadcasting(node => [() => gradientOf(node), () => gradientOf(node)]),
  Sub: broadcasting(node => [() => gradientOf(node), () => gradientOf(node).neg()]),
  Mul: broadcasting(node => [
    () => gradientOf(node).mul(inputOf(node, 1)),
    () => gradientOf(node).mul(inputOf(node, 0)),
  ]),
  Div: broadcasting(node => [
    () => gradientOf(node).div(inputOf(node, 1)),
    () => gradientOf(node).mul(resultOf(node)).div(inputOf(node, 1)).neg(),
  ]),
  Pow: broadcasting(power),
  /** With `fmod`, Mod is x − y·trunc(x / y). Without it, Mod takes only integers, which have no gradient. */
  Mod: broadcasting(node => [
    () => gradientOf(node),
    () => {
      const [x, y] = [inputOf(node, 0), inputOf(node, 1)]
      return gradientOf(node)
        .mul(x.sub(resultOf(node)).div(y).round())
        .neg()
    },
  ]),
  Where: broadcasting(node => [
    undefined,
    () => where(inputOf(node, 0), gradientOf(node), 0),
    () => where(inputOf(node, 0), 0, gradientOf(node)),
  ]),
  Max: broadcasting(extreme),
  Min: broadcasting(extreme),
  Sum: broadcasting(node => node.inputs.map(() => () => gradientOf(node))),
  Mean: broadcasting(node => node.inputs.map(() => () => gradientOf(node).div(node.inputs.length))),
  PRelu: broadcasting(node => {
    const [x, slope] = [inputOf(node, 0), inputOf(node, 1)]
    return [
      () => where(x.gt(0), gradientOf(node), gradientOf(node).mul(slope)),
      () => where(x.gt(0), 0, gradientOf(node).mul(x)),
    ]
  }),
  /** The gradient of x is passed on where x lies within the bounds or equals one, as in PyTorch's `clamp`. */
  Clip: node => {
    const x = inputOf(node, 0)
    const [low, high] = [1, 2].map(i => node.inputs[i]?.tensor)
    const least = low ?? (node.attributes.has('min') ? node.attributes.float('min', 0) : undefined)
    const most = high ?? (node.attributes.has('max') ? node.attributes.float('max', 0) : undefined)
    const within = (): Tensor => {
      const above = least === undefined ? undefined : x.ge(least)
      const below = most === undefined ? undefined : x.le(most)
      const both = above && below ? above.and(below) : (above ?? below)
      return both ? where(both, gradientOf(node), 0) : gradientOf(node)
    }
    const beyond = (bound: Tensor, isLow: boolean) => (): Tensor =>
      where(isLow ? x.lt(bound) : x.gt(bound), gradientOf(node), 0).sum()
    return [within, low && beyond(low, true), high && beyond(high, false)]
  },
}
