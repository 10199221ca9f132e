import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'

/** One parameter's numbers that an optimiser keeps from step to step, such as its means of gradients. */
export type Slots = Readonly<Record<string, Tensor>>

/** A rule by which gradients move parameters. Its arithmetic is recorded, so that it runs with the model. */
export interface Optimizer {
  /** `adam(learningRate 0.01, …)`. Steps are resumed only with an optimiser of the same name. */
  readonly name: string
  readonly learningRate: number
  /** The names of the slots that each parameter has. They begin as zeros with the parameter's dims. */
  readonly slots: readonly string[]
  /**
   * The parameter and its slots after a step.
   * @param rate the learning rate of this step @param step the number of the step, from 1
   */
  update(parameter: Tensor, gradient: Tensor, slots: Slots, rate: number, step: number): Updated
}

/** A parameter and its slots after a step. */
export interface Updated {
  readonly parameter: Tensor
  readonly slots: Slots
}

/** Options of `sgd()`. */
export interface SgdOptions {
  readonly learningRate?: number
  /** The share of the last step's direction that is kept. @default 0 */
  readonly momentum?: number
  readonly nesterov?: boolean
  /** The strength of the L2 penalty, whose gradient is added. @default 0 */
  readonly weightDecay?: number
}

/** Options of `adam()` and `adamw()`. */
export interface AdamOptions {
  readonly learningRate?: number
  /** The shares that the running means of the gradient and of its square keep. @default [0.9, 0.999] */
  readonly betas?: readonly [number, number]
  /** @default 1e-8 */
  readonly epsilon?: number
  /** The strength of the L2 penalty of `adam`, and of the decay of `adamw`. @default 0, and 0.01 for `adamw` */
  readonly weightDecay?: number
}

/** A number that changes from step to step. As a tensor, it is fed, so that the same session serves all steps. */
const fed = (value: number): Tensor => tensor([value])

/** Gradient descent, with momentum if you like, as `torch.optim.SGD`. */
export function sgd({
  learningRate = 0.01,
  momentum = 0,
  nesterov = false,
  weightDecay = 0,
}: SgdOptions = {}): Optimizer {
  return {
    name: `sgd(momentum ${momentum}${nesterov ? ', nesterov' : ''}, weightDecay ${weightDecay})`,
    learningRate,
    slots: momentum === 0 ? [] : ['momentum'],
    update(parameter, gradient, { momentum: before }, rate): Updated {
      const own = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay))
      if (!before) return { parameter: moved(parameter, own.mul(fed(rate))), slots: {} }
      const velocity = before.mul(momentum).add(own)
      const direction = nesterov ? own.add(velocity.mul(momentum)) : velocity
      return { parameter: moved(parameter, direction.mul(fed(rate))), slots: { momentum: velocity } }
    },
  }
}

/** Adam (Kingma and Ba 2015, arXiv:1412.6980), as `torch.optim.Adam`. */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamOf('adam', { weightDecay: 0, ...options }, false)
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), as `torch.optim.AdamW`. */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamOf('adamw', { weightDecay: 0.01, ...options }, true)
}

function adamOf(
  kind: string,
  { learningRate = 0.001, betas: [first, second] = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: AdamOptions,
  isDecoupled: boolean,
): Optimizer {
  return {
    name: `${kind}(betas ${first} ${second}, epsilon ${epsilon}, weightDecay ${weightDecay})`,
    learningRate,
    slots: ['mean', 'square'],
    update(parameter, gradient, slots, rate, step): Updated {
      const decays = weightDecay !== 0
      const own = decays && !isDecoupled ? gradient.add(parameter.mul(weightDecay)) : gradient
      const mean = slots.mean.mul(first).add(own.mul(1 - first))
      const square = slots.square.mul(second).add(own.mul(own).mul(1 - second))
      // Both means begin at 0, and are too small at first.
      const [ofMean, ofSquare] = [1 - first ** step, 1 - second ** step]
      const direction = mean.div(
        square
          .sqrt()
          .div(fed(Math.sqrt(ofSquare)))
          .add(epsilon),
      )
      const kept = decays && isDecoupled ? parameter.mul(fed(1 - rate * weightDecay)) : parameter
      return { parameter: moved(kept, direction.mul(fed(rate / ofMean))), slots: { mean, square } }
    },
  }
}

/** The step has one dim, for a parameter without dims too. */
const moved = (parameter: Tensor, by: Tensor): Tensor => parameter.sub(by.reshape(parameter.dims as number[]))
