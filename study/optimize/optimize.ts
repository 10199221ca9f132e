import { StudyError } from '../../runtime/errors/study.ts'
import { ArgumentError } from '../../runtime/errors/tensor.ts'
import type { Inputs } from '../../runtime/model/loaded/inputs.ts'
import type { Model } from '../../runtime/model/model.ts'
import { knownOptions } from '../../runtime/tensor/arguments/known-options.ts'
import { tensor, zeros } from '../../runtime/tensor/functions.ts'
import { grad } from '../../runtime/tensor/ops/gradient.ts'
import { Tensor } from '../../runtime/tensor/tensor.ts'
import { asTraceable } from '../../runtime/tracing/traceable.ts'
import { TRACE_OPTIONS, type TraceOptions } from '../../runtime/tracing/tracer.ts'
import type { OnProgress } from '../sweeps/sweep.ts'
import { readCheckpoint, type State, writeCheckpoint } from './checkpoint.ts'
import { type EndReason, Optimized } from './optimized.ts'
import { adam, type Optimizer } from './optimizers.ts'
import type { Schedule } from './schedules.ts'

/** Options of `optimize()`. */
export interface OptimizeOptions<P extends Readonly<Record<string, Tensor>>> extends TraceOptions {
  /** The inputs of each step's run, or a function that gives those of a step, from 0: for batches that change. */
  readonly inputs: Inputs | ((step: number) => Inputs)
  /** What is optimised: float32 tensors, by name, with their first values. They are not changed; the result has new ones. */
  readonly parameters: P
  /**
   * A block that records the loss, a tensor with one element, in a trace of the model. It gets the parameters and reads and writes the model's
   * places as any block does.
   */
  readonly loss: (parameters: P, step: number) => Tensor
  /** The number of steps. */
  readonly steps: number
  /** `sgd({ … })`, `adam({ … })`, `adamw({ … })`, or one of yours. @default adam({ learningRate: 0.01 }) */
  readonly optimizer?: Optimizer
  /** The share of the learning rate at each step: `cosine()`, `linear()`, `warmup(10, cosine())`, or a function of yours. @default 1 */
  readonly schedule?: Schedule
  /** Gradients that are longer together, as one vector, are shortened to this length. */
  readonly clip?: number
  /** The number of steps without a new least loss after which it ends. */
  readonly patience?: number
  /** Called after each step; it ends when this returns true. */
  readonly until?: (report: StepOfOptimizer) => boolean
  /** Called after each step with an estimate of the seconds that are left: `progressLine()`, or your own function. */
  readonly onProgress?: OnProgress
  /** A safetensors file with all that the next step needs. If the file is there, the steps in it are not done again. */
  readonly resume?: string
  /** The number of steps after which the file is written; it is also written at the end, and when a signal stops. @default 50 */
  readonly saveEvery?: number
}

/** What is known of a step. */
export interface StepOfOptimizer {
  /** The number of the step, from 0. */
  readonly step: number
  /** The loss before the step. */
  readonly loss: number
  readonly learningRate: number
  /** The length of all gradients together, before they are clipped. */
  readonly gradientLength: number
}

const OPTIONS = [
  'inputs',
  'parameters',
  'loss',
  'steps',
  'optimizer',
  'schedule',
  'clip',
  'patience',
  'until',
  'onProgress',
  'resume',
  'saveEvery',
] as const

/**
 * Optimises small tensors by gradients, with the model frozen: a steering vector, a soft prompt, a linear map at a place. Each step is one run
 * of the model, in which the loss, its gradients and the optimiser's own arithmetic are computed together.
 *
 * Sources: Lester et al. 2021 (arXiv:2104.08691) for soft prompts; Subramani et al. 2022 (arXiv:2205.05124) for steering vectors.
 *
 * @throws StudyError for a loss that is no single number, or no longer finite, and for a file of other parameters; ArgumentError;
 * NotDifferentiableError for an operator without a gradient
 * @example
 * const found = await optimize(model, {
 *   inputs: 'I think that', parameters: { v: zeros([768]) }, steps: 100, optimizer: adam({ learningRate: 0.1 }),
 *   loss({ v }) {
 *     const layer = model.transformer.h[6]
 *     layer.output = layer.output.add(v)
 *     return model.lm_head.output.select(1, -1).logSoftmax(-1).select(-1, 1107).mean().neg()
 *   },
 * })
 * await new SteeringVector(6, found.parameters.v).apply(model, 1).save('steered.onnx')
 */
export async function optimize<P extends Readonly<Record<string, Tensor>>>(
  model: Model,
  options: OptimizeOptions<P>,
): Promise<Optimized<P>> {
  const {
    inputs,
    parameters,
    loss,
    steps,
    optimizer = adam({ learningRate: 0.01 }),
    schedule = () => 1,
    clip,
    patience = Number.POSITIVE_INFINITY,
    until,
    onProgress,
    resume,
    saveEvery = 50,
    ...rest
  } = knownOptions('optimize()', options, [...OPTIONS, ...TRACE_OPTIONS])
  asTraceable(model, 'optimize')
  checkArguments({ parameters, steps, clip, optimizer })
  const signal = rest.signal
  let state = await begun(parameters, optimizer)
  state = (resume === undefined ? undefined : await readCheckpoint(resume, state, optimizer)) ?? state
  const first = state.losses.length
  const start = performance.now()
  let reason: EndReason = 'steps'
  const save = async (): Promise<void> => {
    if (resume !== undefined) await writeCheckpoint(resume, state)
  }
  for (let step = first; step < steps; step++) {
    if (isStale(state.losses, patience)) {
      reason = 'patience'
      break
    }
    if (signal?.aborted) {
      await save()
      signal.throwIfAborted()
    }
    const rate = optimizer.learningRate * schedule(step, steps)
    const given = typeof inputs === 'function' ? inputs(step) : inputs
    const found = await model.trace(given, rest, () =>
      stepOf(state, optimizer, clip, rate, step + 1, () => loss(state.parameters as P, step)),
    )
    const value = Number(found.loss.item())
    if (!Number.isFinite(value))
      throw new StudyError(
        'optimize',
        `the loss is ${value} at step ${step}.`,
        'give a smaller learning rate, or clip the gradients: clip: 1',
      )
    state = { parameters: found.parameters, slots: found.slots, losses: [...state.losses, value] }
    const done = step + 1
    onProgress?.(done, steps, ((performance.now() - start) / (done - first) / 1000) * (steps - done))
    if (done % saveEvery === 0) await save()
    const report = { step, loss: value, learningRate: rate, gradientLength: Number(found.length.item()) }
    if (until?.(report)) {
      reason = 'until'
      break
    }
  }
  if (state.losses.length > first) await save()
  return new Optimized(state.parameters as P, state.losses, reason)
}

/** The state before the first step. */
async function begun(parameters: Readonly<Record<string, Tensor>>, { slots }: Optimizer): Promise<State> {
  const entries = Object.entries(parameters)
  const own = await Promise.all(entries.map(async ([name, value]) => [name, await value.value()] as const))
  const empty = async (value: Tensor) => {
    const each = slots.map(async slot => [slot, await zeros(value.dims as number[]).value()] as const)
    return Object.fromEntries(await Promise.all(each))
  }
  const begin = await Promise.all(own.map(async ([name, value]) => [name, await empty(value)] as const))
  return { parameters: Object.fromEntries(own), slots: Object.fromEntries(begin), losses: [] }
}

/** Records one step in the current trace. @throws StudyError if the loss is no single number */
function stepOf(
  { parameters, slots }: State,
  optimizer: Optimizer,
  clip: number | undefined,
  rate: number,
  step: number,
  lossOf: () => Tensor,
) {
  const loss = lossOf()
  if (!(loss instanceof Tensor) || loss.dims.some(dim => dim !== 1))
    throw new StudyError(
      'optimize',
      `the loss ${loss instanceof Tensor ? `has dims [${loss.dims.join(', ')}]` : 'is no tensor'}.`,
      'return one number, such as by mean() or sum()',
    )
  const names = Object.keys(parameters)
  const gradients = grad(loss, Object.values(parameters))
  const squares = gradients.map(gradient => gradient.mul(gradient).sum())
  const length = squares.reduce((sum, one) => sum.add(one)).sqrt()
  // As torch.nn.utils.clip_grad_norm_ does.
  const share = clip === undefined ? undefined : tensor(clip).div(length.add(1e-6)).clamp(undefined, 1)
  const updated = names.map((name, i) => {
    const gradient = share ? gradients[i].mul(share) : gradients[i]
    return [name, optimizer.update(parameters[name], gradient, slots[name], rate, step)] as const
  })
  return {
    loss: loss.to('float32').sum(),
    length,
    parameters: Object.fromEntries(updated.map(([name, { parameter }]) => [name, parameter])),
    slots: Object.fromEntries(updated.map(([name, own]) => [name, own.slots])),
  }
}

/** Whether the least loss is so many steps ago. */
function isStale(losses: readonly number[], patience: number): boolean {
  const best = losses.indexOf(Math.min(...losses))
  return best >= 0 && losses.length - 1 - best >= patience
}

/** @throws ArgumentError */
function checkArguments({
  parameters,
  steps,
  clip,
  optimizer,
}: Pick<OptimizeOptions<Readonly<Record<string, Tensor>>>, 'parameters' | 'steps' | 'clip' | 'optimizer'>): void {
  const wrong = (message: string, fix: string): never => {
    throw new ArgumentError(`optimize: ${message}`, undefined, fix)
  }
  const entries = Object.entries(parameters ?? {})
  if (entries.length === 0) wrong('there are no parameters.', 'give tensors by name: parameters: { v: zeros([768]) }')
  for (const [name, value] of entries)
    if (!(value instanceof Tensor) || value.type !== 'float32')
      wrong(
        `the parameter ${name} is ${value instanceof Tensor ? `of type ${value.type}` : 'no tensor'}.`,
        'give float32 tensors, such as zeros([768])',
      )
  if (!Number.isSafeInteger(steps) || steps < 0) wrong(`steps is ${steps}.`, 'give a whole number')
  if (clip !== undefined && !(clip > 0)) wrong(`clip is ${clip}.`, 'give a length above 0, such as 1')
  if (typeof optimizer?.update !== 'function')
    wrong('the optimizer has no function update.', 'give sgd(), adam() or adamw()')
}
