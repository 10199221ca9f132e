import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { knownOptions } from '../../runtime/tensor/arguments/known-options.ts'
import { tensor } from '../../runtime/tensor/functions.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import type { TensorLike } from '../../runtime/tensor/values/convert.ts'
import { TRACE_OPTIONS } from '../../runtime/tracing/tracer.ts'
import { gaussLegendre, middles } from '../math/gauss-legendre.ts'
import { perRow, sumOverRows } from './along-rows.ts'
import { Attributions } from './attributions.ts'
import { byPosition } from './positions.ts'
import { ATTRIBUTED_OPTIONS, type AttributedOptions, Subject } from './subject.ts'

/** Options of `integratedGradients()`. */
export interface IntegratedGradientsOptions extends AttributedOptions {
  /** The value of the place where the path begins: a number, a tensor with the dims of the place without its row, or one that broadcasts. @default 0 */
  readonly baseline?: TensorLike
  /** The number of points of the path at which the gradient is taken. @default 32 */
  readonly steps?: number
  /** How the points lie: those of Gauss–Legendre quadrature, or the middles of equal parts. @default 'gauss-legendre' */
  readonly rule?: 'gauss-legendre' | 'middle'
  /** The number of points in one run. @default as many as make some thousand tokens */
  readonly batch?: number
}

/**
 * Integrated gradients: the mean of the metric's gradient on the straight path from a baseline to the value of a place, times the difference
 * of the two. The attributions sum to the metric on the input minus that on the baseline (completeness); the result says how well they do.
 *
 * All points of the path run as rows of a few batches.
 *
 * Source: Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks" (arXiv:1703.01365); Captum's `IntegratedGradients` and
 * `LayerIntegratedGradients`.
 *
 * @throws StudyError, ArgumentError; NotDifferentiableError for an operator without a gradient
 * @example
 * const found = await integratedGradients(model, 'The Eiffel Tower is in', { metric: logProbability(' Paris') })
 * console.log(found, found.sum, found.value - found.baseline)
 */
export async function integratedGradients(
  model: Model,
  prompt: Inputs,
  options: IntegratedGradientsOptions,
): Promise<Attributions> {
  const {
    metric,
    at,
    output,
    vocabulary,
    baseline = 0,
    steps = 32,
    rule = 'gauss-legendre',
    batch,
    ...rest
  } = knownOptions('integratedGradients()', options, [
    ...ATTRIBUTED_OPTIONS,
    'baseline',
    'steps',
    'rule',
    'batch',
    ...TRACE_OPTIONS,
  ])
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new ArgumentError(`integratedGradients: steps is ${steps}.`, undefined, 'give a whole number from 1 on')
  if (rule !== 'gauss-legendre' && rule !== 'middle')
    throw new ArgumentError(
      `integratedGradients: there is no rule ${JSON.stringify(rule)}.`,
      undefined,
      "use 'gauss-legendre' or 'middle'",
    )
  const subject = await Subject.of('integratedGradients', model, prompt, { metric, at, output, vocabulary }, rest)
  const { points, weights } = rule === 'middle' ? middles(steps) : gaussLegendre(steps)
  // The ends of the path run beside its points, for the metric alone.
  const path = [...points, 0, 1]
  const rows = await subject.rows(path.length, batch)
  const base = tensor(baseline).to('float32')
  const between = (state: Tensor, first: number): Tensor => {
    const shares = Array.from({ length: rows }, (_, row) => path[first + row] ?? 1)
    return base.add(state.sub(base).mul(perRow(shares, state)))
  }
  const { gradient, state, measured } = await sumOverRows(subject, [...weights, 0, 0], rows, between)
  const elements = await gradient.mul(state.sub(base)).value()
  const [before, value] = measured.slice(-2)
  const sum = Number((await elements.sum().value()).item())
  return new Attributions({
    method: 'Integrated gradients',
    metric: subject.metric.name,
    elements,
    ...(await byPosition(subject, elements, state, 'sum')),
    value,
    completeness: { baseline: before, sum },
  })
}
