import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { knownOptions } from '../../runtime/tensor/arguments/known-options.ts'
import { grad } from '../../runtime/tensor/ops/gradient.ts'
import type { Tensor } from '../../runtime/tensor/tensor.ts'
import { TRACE_OPTIONS } from '../../runtime/tracing/tracer.ts'
import { Attributions } from './attributions.ts'
import { byPosition } from './positions.ts'
import { ATTRIBUTED_OPTIONS, type AttributedOptions, Subject } from './subject.ts'

/**
 * Saliency: the absolute value of the metric's gradient at each element of a place. Each token, pixel or frame has the length of its gradient.
 *
 * Source: Simonyan et al. 2014, "Deep Inside Convolutional Networks" (arXiv:1312.6034); Captum's `Saliency`.
 *
 * @throws StudyError, ArgumentError; NotDifferentiableError for an operator without a gradient
 * @example console.log(await saliency(model, 'The Eiffel Tower is in', { metric: logProbability(' Paris') }))
 */
export async function saliency(model: Model, prompt: Inputs, options: AttributedOptions): Promise<Attributions> {
  const { subject, gradient, state, value } = await ofOneRun('saliency', model, prompt, options)
  const elements = await gradient.abs().value()
  const at = await byPosition(subject, elements, state, 'norm')
  return new Attributions({ method: 'Saliency', metric: subject.metric.name, elements, ...at, value })
}

/**
 * Gradient × input: the metric's gradient at each element of a place, times the element. It is what a linear model would lose without it.
 *
 * Source: Shrikumar et al. 2016, "Not Just a Black Box" (arXiv:1605.01713); Captum's `InputXGradient`.
 *
 * @throws StudyError, ArgumentError; NotDifferentiableError for an operator without a gradient
 * @example console.log(await gradientTimesInput(model, 'The Eiffel Tower is in', { metric: logProbability(' Paris') }))
 */
export async function gradientTimesInput(
  model: Model,
  prompt: Inputs,
  options: AttributedOptions,
): Promise<Attributions> {
  const { subject, gradient, state, value } = await ofOneRun('gradientTimesInput', model, prompt, options)
  const elements = await gradient.mul(state).value()
  const at = await byPosition(subject, elements, state, 'sum')
  return new Attributions({ method: 'Gradient × input', metric: subject.metric.name, elements, ...at, value })
}

interface OneRun {
  readonly subject: Subject
  /** The gradient, and the value of the place, without the axis of rows. */
  readonly gradient: Tensor
  readonly state: Tensor
  readonly value: number
}

async function ofOneRun(study: string, model: Model, prompt: Inputs, options: AttributedOptions): Promise<OneRun> {
  const { metric, at, output, vocabulary, ...rest } = knownOptions(`${study}()`, options, [
    ...ATTRIBUTED_OPTIONS,
    ...TRACE_OPTIONS,
  ])
  const subject = await Subject.of(study, model, prompt, { metric, at, output, vocabulary }, rest)
  const { value, ...found } = await subject.trace(1, () => {
    const place = subject.site().read()
    const measured = subject.measured()
    const gradient = grad(measured.sum(), place).select(0, 0).to('float32')
    return { gradient, state: place.select(0, 0).to('float32'), value: measured.sum() }
  })
  return { subject, ...found, value: Number(value.item()) }
}
