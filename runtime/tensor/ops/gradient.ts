import { GradientArgumentError } from '../../errors/gradient.ts'
import { MixedTracesError, showDims } from '../../errors/tensor.ts'
import { type Dims, Gradient, GradientHook, Incoming, Operation, Value } from '../../graph/expression.ts'
import { currentRecorder, type Recorder } from '../../graph/recorder.ts'
import { expect } from '../arguments/check-arguments.ts'
import { currentPosition } from '../current-position.ts'
import { isFloat } from '../dtypes/dtype.ts'
import { newHandle, stateOf, Tensor } from '../tensor.ts'
import { type TensorLike, toTensor } from '../values/convert.ts'
import { stack } from './join.ts'

/** A tensor, or lists and objects of tensors, nested to any depth. `[]` makes TypeScript infer the length of each list. */
export type Tensors = Tensor | readonly Tensors[] | [] | { readonly [name: string]: Tensors }

/** The same lists and objects, with each tensor replaced by its gradient. */
export type GradientsOf<T> = T extends Tensor ? Tensor : { [K in keyof T]: GradientsOf<T[K]> }

/** Options of `grad`. */
export interface GradOptions {
  /** The gradient of the value itself, with its dims: the vector of a vector-Jacobian product. @default ones, for a value with one element */
  readonly gradient?: TensorLike
}

/**
 * The gradient of `loss`, a value with one element, with respect to `at`: places in the model, values that the block computes, tensors from
 * outside of the block, and weights. Each gradient has the dims of its tensor. It is the gradient of the model with all writes of the block,
 * those after this line too. If `value` does not depend on a tensor, the gradient there is 0.
 *
 * The gradient is computed by reverse-mode differentiation (Linnainmaa 1976, doi:10.1007/BF01931367) of the graph that runs.
 * @throws GradientArgumentError if the value has several elements and no `gradient`, or if a tensor is not floating point
 * @throws NotDifferentiableError when the trace runs, for an operator without a rule
 */
export function grad<T extends Tensors>(loss: Tensor, at: T, options?: GradOptions): GradientsOf<T>
export function grad<T extends Tensors>(
  loss: Tensor,
  at: T,
  options: GradOptions = {},
  ...surplus: unknown[]
): GradientsOf<T> {
  const known = expect<GradOptions>('grad', loss, at, options, ...surplus)
  return gradientsAt(loss, at, known) as GradientsOf<T>
}

/** Returns the value and its gradient. @throws the errors of `grad` */
export function valueAndGrad<T extends Tensors>(
  value: Tensor,
  at: T,
  options: GradOptions = {},
): { value: Tensor; grad: GradientsOf<T> } {
  return { value, grad: gradientsAt(value, at, options) as GradientsOf<T> }
}

/**
 * The same tensor, whose gradient `flow` changes: it gets what flows back and gives what flows on, of the same dims. A place in the model is
 * written too, so that the model reads the changed one: `withGrad(model.….output, g => g.mul(0))` stops what flows back there.
 * @throws GradientArgumentError if the tensor is not floating point, or if what flows on has other dims or another dtype
 */
export function withGrad(tensor: Tensor, flow: (gradient: Tensor) => Tensor): Tensor {
  return oneCall(() => {
    const { value, recorder, place, label } = stateOf(tensor)
    refuseWithoutGradient([tensor])
    const mark = (recorder ?? currentRecorder())?.mark()
    const incoming = new Value(new Incoming(mark), 0, value.type, value.dims)
    const outgoing = flow(newHandle(incoming, recorder))
    if (
      !(outgoing instanceof Tensor) ||
      outgoing.type !== value.type ||
      areDifferent(stateOf(outgoing).value.dims, value.dims)
    ) {
      const given =
        outgoing instanceof Tensor
          ? `${outgoing.type} ${showDims(stateOf(outgoing).value.dims ?? [])}`
          : typeof outgoing
      throw new GradientArgumentError(
        `What flows on at ${label} is ${given}, and must be ${value.type} ${showDims(value.dims ?? [])} as what flows back.`,
        currentPosition(),
        'return a tensor of the same dims and dtype from the function',
      )
    }
    const hook = new GradientHook(value, incoming, stateOf(outgoing).value, mark)
    const hooked = newHandle(new Value(hook, 0, value.type, value.dims), recorder)
    place?.set('...', hooked)
    return hooked
  })
}

/** The value on which `backward` was called last in each trace. */
const losses = new WeakMap<Recorder, { readonly value: Tensor; readonly options: GradOptions }>()

/** Methods of tensors for gradients, in the words of PyTorch and nnsight. */
export const differentiation = {
  /**
   * Says that `grad` of every tensor in this trace is the gradient of this value, which has one element: `loss.backward()`, and then
   * `h.grad`. With another value's `backward`, later reads of `grad` are of that one.
   * @throws GradientArgumentError as `grad`, and outside of a trace
   */
  backward(this: Tensor, gradient?: TensorLike): void {
    const recorder = stateOf(this).recorder
    if (!recorder) {
      throw new GradientArgumentError(
        'backward() was called outside of a trace, where no tensor can tell which value it belongs to.',
        currentPosition(),
        'use grad(value, at), which works everywhere',
      )
    }
    const options = gradient === undefined ? {} : { gradient }
    seedOf(this, options)
    losses.set(recorder, { value: this, options })
  },
  /** The same tensor, through which no gradient flows back: it counts as a constant. */
  detach(this: Tensor): Tensor {
    return detach(this)
  },
}

/** The gradient of the trace's loss with respect to a tensor: `h.grad`. @throws GradientArgumentError before `backward` */
export function gradientOfLoss(tensor: Tensor): Tensor {
  const recorder = stateOf(tensor).recorder ?? currentRecorder()
  const loss = recorder && losses.get(recorder)
  if (!loss) {
    throw new GradientArgumentError(
      `The gradient at ${stateOf(tensor).label} is not known, because no value of this trace has gone backward yet.`,
      currentPosition(),
      'call backward() on the loss before this line, or use grad(loss, tensor)',
    )
  }
  return grad(loss.value, tensor, loss.options)
}

function gradientsAt(value: Tensor, at: Tensors, options: GradOptions): unknown {
  return oneCall(() => {
    const places = tensorsOf(at)
    const gradients = gradientsOf(value, places, seedOf(value, options))
    return inThePlacesOf(at, new Map(places.map((place, i) => [place, gradients[i]])))
  })
}

/** The same tensor as a constant: what it is computed from gets no gradient through it. */
export function detach(tensor: Tensor): Tensor
export function detach(tensor: Tensor, ...surplus: unknown[]): Tensor {
  expect('detach', tensor, ...surplus)
  return oneCall(() => {
    const { value, recorder } = stateOf(tensor)
    const mark = (recorder ?? currentRecorder())?.mark()
    const operation = new Operation('Identity', '', [value], {}, 1, mark, true)
    return newHandle(new Value(operation, 0, value.type, value.dims), recorder)
  })
}

export function oneCall<R>(body: () => R): R {
  const recorder = currentRecorder()
  return recorder && !recorder.finished ? recorder.oneCall(body) : body()
}

export function tensorsOf(at: Tensors): Tensor[] {
  if (at instanceof Tensor) return [at]
  if (typeof at !== 'object' || at === null) {
    throw new GradientArgumentError(
      `grad() was asked for the gradient at ${typeof at === 'object' ? 'null' : `a ${typeof at}`}, which is no tensor.`,
      currentPosition(),
      'name a place or a value: grad(loss, model.….output)',
    )
  }
  return Object.values(at).flatMap(tensorsOf)
}

function inThePlacesOf(at: Tensors, gradients: ReadonlyMap<Tensor, Tensor>): unknown {
  if (at instanceof Tensor) return gradients.get(at)
  if (Array.isArray(at)) return at.map(each => inThePlacesOf(each, gradients))
  return Object.fromEntries(Object.entries(at).map(([name, each]) => [name, inThePlacesOf(each, gradients)]))
}

function seedOf(value: Tensor, { gradient }: GradOptions): Tensor | undefined {
  const { type, dims } = stateOf(value).value
  if (!isFloat(type)) {
    throw new GradientArgumentError(
      `${stateOf(value).label} has elements of type ${type}, which has no gradient.`,
      currentPosition(),
      'differentiate a floating-point value',
    )
  }
  if (gradient !== undefined) {
    const seed = toTensor(gradient, gradient instanceof Tensor ? {} : { type }).to(type)
    if (areDifferent(stateOf(seed).value.dims, dims)) {
      throw new GradientArgumentError(
        `The gradient that arrives has dims ${showDims(seed.dims)}, and the value ${showDims(dims ?? [])}.`,
        currentPosition(),
        'give one with the dims of the value',
      )
    }
    return seed
  }
  if (dims?.some(dim => dim !== undefined && dim !== 1)) {
    throw new GradientArgumentError(
      `${stateOf(value).label} has dims ${showDims(dims)}, and only a value with one element has a gradient by itself.`,
      currentPosition(),
      'reduce it to one number, such as by sum() or mean(), or say what arrives at it: grad(value, at, { gradient })',
    )
  }
  return undefined
}

export function areDifferent(a: Dims | undefined, b: Dims | undefined): boolean {
  if (!a || !b) return false
  return a.length !== b.length || a.some((dim, i) => dim !== undefined && b[i] !== undefined && dim !== b[i])
}

/** Operators that only select or move elements. The tensor of a part of a place is made by such operations. */
const VIEWS = new Set('Gather Slice Reshape Transpose Squeeze Unsqueeze Identity Split'.split(' '))

/** A part of a place, such as one head's pattern. It is made from the place's value by some operations, and its gradient by the same ones. */
interface View {
  readonly base: Value
  /** The operations that make the part from the place's value, in order. */
  readonly steps: readonly { readonly operation: Operation; readonly output: number; readonly result: Value }[]
}

function viewOf(tensor: Tensor): View {
  const state = stateOf(tensor)
  const whole = { base: state.value, steps: [] }
  if (!state.isPlace) return whole
  const steps: { operation: Operation; output: number; result: Value }[] = []
  let current = state.value
  while (current.expression.kind === 'operation') {
    const { expression, output } = current
    const input = expression.inputs[0]
    if (!input || !VIEWS.has(expression.opType)) return whole
    steps.unshift({ operation: expression, output, result: current })
    current = input
  }
  return current.expression.kind === 'read' ? { base: current, steps } : whole
}

/** The gradients at the places. To a part of a sum flows what flows to the sum, beside what flows through its own readers in the block. */
function gradientsOf(value: Tensor, places: readonly Tensor[], seed: Tensor | undefined): Tensor[] {
  refuseWithoutGradient(places)
  const sums = places.map(place => stateOf(place).place?.partOf?.())
  const inGraph = places.map((place, i) => {
    const { recorder } = stateOf(place)
    return sums[i] ? newHandle(sums[i].value, recorder) : place
  })
  const found = gradientsOfPlaces(value, inGraph, seed, false)
  const beside = places.filter((_, i) => sums[i])
  const own = beside.length > 0 ? gradientsOfPlaces(value, beside, seed, true) : []
  return found.map((gradient, i) => {
    const sum = sums[i]
    if (!sum) return gradient
    const { count, axis } = sum.parts ?? {}
    const ofParts = count === undefined ? gradient : stack(new Array<Tensor>(count).fill(gradient), axis)
    return ofParts.add(own[beside.indexOf(places[i])])
  })
}

function gradientsOfPlaces(
  value: Tensor,
  places: readonly Tensor[],
  seed: Tensor | undefined,
  isQuiet: boolean,
): Tensor[] {
  const views = places.map(viewOf)
  const recorder = recorderOf([value, ...places, ...(seed ? [seed] : [])])
  const mark = (recorder ?? currentRecorder())?.mark()
  const bases = views.map(({ base }) => base)
  const gradient = new Gradient(stateOf(value).value, bases, seed && stateOf(seed).value, mark, isQuiet)
  return views.map(({ base, steps }, i) => {
    let current = new Value(gradient, i, base.type, base.dims)
    for (const { operation, output, result } of steps) {
      const step = operation.on([current, ...operation.inputs.slice(1)], mark)
      current = new Value(step, output, result.type, result.dims)
    }
    return newHandle(current, recorder)
  })
}

/** @throws GradientArgumentError for integers, bools and texts */
function refuseWithoutGradient(places: readonly Tensor[]): void {
  for (const place of places) {
    if (isFloat(place.type)) continue
    throw new GradientArgumentError(
      `${stateOf(place).label} has elements of type ${place.type}, which has no gradient.`,
      currentPosition(),
      'ask for it at a floating-point value, such as the embeddings of tokens',
    )
  }
}

/** The trace that the tensors belong to. @throws MixedTracesError */
function recorderOf(tensors: readonly Tensor[]): Recorder | undefined {
  let recorder: Recorder | undefined
  for (const tensor of tensors) {
    const own = stateOf(tensor).recorder
    if (!own || own === recorder) continue
    if (recorder) throw new MixedTracesError('grad', currentPosition())
    recorder = own
  }
  return recorder
}
