import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { knownOptions } from '../../runtime/tensor/arguments/known-options.ts'
import { randn } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS } from '../../runtime/tracing/tracer.ts'
import { perRow, sumOverRows } from './along-rows.ts'
import { Attributions } from './attributions.ts'
import { byPosition } from './positions.ts'
import { ATTRIBUTED_OPTIONS, type AttributedOptions, Subject } from './subject.ts'

/** Options of `smoothGrad()`. */
export interface SmoothGradOptions extends AttributedOptions {
  /** The number of noisy copies. @default 32 */
  readonly samples?: number
  /** The standard deviation of the noise, as a share of the place's greatest value minus its least. @default 0.1 */
  readonly noise?: number
  /** The seed of the noise. @default 0 */
  readonly seed?: number
  /** The number of copies in one run. @default as many as make some thousand tokens */
  readonly batch?: number
}

/**
 * SmoothGrad: the mean of the metric's gradient over copies of a place's value with Gaussian noise, which takes out what the gradient does
 * over short distances. Each token, pixel or frame has the length of its mean gradient; `elements` has the mean gradient with its sign.
 *
 * Source: Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise" (arXiv:1706.03825); Captum's `NoiseTunnel`.
 *
 * @throws StudyError, ArgumentError; NotDifferentiableError for an operator without a gradient
 * @example console.log(await smoothGrad(model, image, { metric: score(3), samples: 64 }))
 */
export async function smoothGrad(model: Model, prompt: Inputs, options: SmoothGradOptions): Promise<Attributions> {
  const {
    metric,
    at,
    output,
    vocabulary,
    samples = 32,
    noise = 0.1,
    seed = 0,
    batch,
    ...rest
  } = knownOptions('smoothGrad()', options, [
    ...ATTRIBUTED_OPTIONS,
    'samples',
    'noise',
    'seed',
    'batch',
    ...TRACE_OPTIONS,
  ])
  if (!Number.isSafeInteger(samples) || samples < 1)
    throw new ArgumentError(`smoothGrad: samples is ${samples}.`, undefined, 'give a whole number from 1 on')
  if (!(noise >= 0 && Number.isFinite(noise)))
    throw new ArgumentError(`smoothGrad: noise is ${noise}.`, undefined, 'give a share from 0 on, such as 0.1')
  const subject = await Subject.of('smoothGrad', model, prompt, { metric, at, output, vocabulary }, rest)
  const rows = await subject.rows(samples + 1, batch)
  const noisy = (state: Tensor, first: number): Tensor => {
    // The last variant is the input itself, for the metric.
    const shares = Array.from({ length: rows }, (_, row) => (first + row < samples ? noise : 0))
    const range = state.max().sub(state.min())
    return state.add(
      randn(state.dims as number[], { seed: seed + first })
        .mul(range)
        .mul(perRow(shares, state)),
    )
  }
  const weights = [...new Array<number>(samples).fill(1 / samples), 0]
  const { gradient, state, measured } = await sumOverRows(subject, weights, rows, noisy)
  const positions = await byPosition(subject, gradient, state, 'norm')
  return new Attributions({
    method: 'SmoothGrad',
    metric: subject.metric.name,
    elements: gradient,
    ...positions,
    value: measured[samples],
  })
}
