import { Float16Array } from '@petamoriken/float16'
import { copy, ownCopy } from '../errors/copies.ts'
import { installed } from '../errors/installed.ts'
import {
  ArgumentError,
  ImplicitConversionError,
  IndexError,
  MixedTracesError,
  NotAPlaceError,
  UnknownShapeError,
} from '../errors/tensor.ts'
import { Constant, type Dims, Operand, Operation, type OperationAttributes, Value } from '../graph/expression.ts'
import { currentRecorder, evaluate, type Recorder } from '../graph/recorder.ts'
import { type Axes, axesOf, knownAxes, shareAxes } from './axes.ts'
import { currentPosition } from './current-position.ts'
import { sizeOf, type TensorData } from './dtypes/data.ts'
import type { DataType, TensorArray } from './dtypes/dtype.ts'
import { roundedToFloat16 } from './float16-reads.ts'
import { type Place, TensorState } from './state.ts'
import { describe } from './values/describe.ts'
import { type NestedList, toNested } from './values/nested.ts'

const COMPARE =
  "take its number: item(), or add an axis: unsqueeze(0); to compare tensors in a test, closeTo(a, b) from 'onnsight/testing', or expect(a.tolist()).toEqual(b.tolist())"

/**
 * The property that Node's deepStrictEqual and lodash's isEqual compare: dtype, dims and elements, or for a handle the expression that
 * computes it.
 */
const CONTENT = Symbol('content')

/** Such comparisons don't see private properties. Without this one they would call any two tensors equal. */
function showContent(tensor: Tensor, content: object): void {
  ;(tensor as unknown as Record<symbol, unknown>)[CONTENT] = content
}

/** Returns the internals of a tensor, for the library's own code. Users can't reach them, neither by the declarations nor by completion. */
export let stateOf: (tensor: Tensor) => TensorState
let withState: (state: TensorState) => Tensor

/**
 * A tensor. Inside a block it is a handle: operations on it are recorded and not run. Outside, it holds its elements, or computes them when
 * asked: `await t.softmax(-1).value()`.
 */
export class Tensor {
  readonly #state: TensorState

  private constructor(state: TensorState) {
    this.#state = state
    showContent(this, state.computed ?? state.recorded)
  }

  static {
    stateOf = tensor => tensor.#state
    withState = state => new Tensor(state)
    // A symbol says which copy of the package made a tensor. No declaration and no completion shows it.
    Object.defineProperty(Tensor.prototype, copy, { value: ownCopy })
  }

  /** Creates a tensor that holds `data`. The array is used as it is, not copied. */
  static of(data: TensorData): Tensor {
    return new Tensor(new TensorState(new Value(new Operand(data), 0, data.type, data.dims), data))
  }

  /** The element type. */
  get type(): DataType {
    return this.#state.recorded.type
  }

  /**
   * The dims, outermost first. A dim that depends on the data is undefined until the value is computed.
   * @throws UnknownShapeError if not even the rank is known
   */
  get dims(): Dims {
    return this.#state.dimsForCaller()
  }

  /** What the axes stand for, where that is known: of a value read in a trace of a language model, its prompts and tokens. */
  get axes(): Axes | undefined {
    return axesOf(this)
  }

  /** The number of axes. @throws UnknownShapeError if it is not known */
  get rank(): number {
    return this.dims.length
  }

  /** The number of elements. @throws UnknownShapeError where a dim depends on the data */
  get size(): number {
    if (this.dims.includes(undefined)) throw new UnknownShapeError('size', this.dims, this.#state.position())
    return sizeOf(this.dims as number[])
  }

  /** The tensor with its axes in reverse order. */
  get T(): Tensor {
    return this.permute(this.dims.map((_, axis) => axis).reverse())
  }

  /** The tensor with its last two axes exchanged. @throws IndexError if there is only one */
  get mT(): Tensor {
    return this.transpose(-2, -1)
  }

  /** Iterates over the parts along the first axis. @throws IndexError for rank 0; UnknownShapeError if the length depends on the data */
  *[Symbol.iterator](): Generator<Tensor, undefined> {
    const [length] = this.dims
    // toEqual of test tools iterates down to single elements of both tensors, and would find nothing to compare there.
    if (this.rank === 0)
      throw new IndexError('A tensor of rank 0 has no parts to go through', currentPosition(), COMPARE)
    if (length === undefined) throw new UnknownShapeError('Going through a tensor', this.dims, currentPosition())
    for (let i = 0; i < length; i++) yield this.select(0, i)
  }

  /**
   * The elements in row-major order. int64 is a BigInt64Array, bool a Uint8Array of 0 and 1, float16 a Float16Array. Don't write into the
   * array: other tensors may share it.
   * @throws NotSavedError after the trace, if it was not saved; NotComputedError before it ran
   */
  get data(): TensorArray | Float16Array {
    const { type, data } = this.#state.data()
    if (type !== 'float16') return data
    const bits = data as Uint16Array
    return new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length)
  }

  /**
   * The elements as nested arrays of numbers, booleans or strings; for rank 0, the one element. int64 beyond 2^53 stays bigint.
   * @throws NotSavedError, NotComputedError
   */
  tolist(): NestedList {
    return toNested(this.#state.data())
  }

  /** The same as `tolist`. @throws NotSavedError, NotComputedError */
  toJSON(): NestedList {
    return this.tolist()
  }

  /** The only element, as JavaScript has it. @throws UnknownShapeError if there are more */
  item(): number | bigint | boolean | string {
    const elements = this.#state.data()
    if (sizeOf(elements.dims) !== 1)
      throw new UnknownShapeError(`item() on ${sizeOf(elements.dims)} elements`, elements.dims, this.#state.position())
    return toNested({ ...elements, dims: [] }) as number | bigint | boolean | string
  }

  /**
   * The computed tensor. Inside a block this runs the model up to here, and then the block continues; outside, it runs the recorded
   * operations.
   * @throws NotSavedError after its trace, if it was not saved
   */
  async value(): Promise<Tensor> {
    const state = this.#state
    if (state.computed) return this
    const computing = state.force()
    if (computing) {
      const value = Tensor.of(await computing)
      shareAxes(this, value)
      return value
    }
    const [data] = await evaluate([state.recorded])
    setData(this, data)
    return this
  }

  /**
   * The gradient at this tensor of the value on which `backward()` was called in the trace, with the tensor's own dims.
   * @throws GradientArgumentError before `backward()`
   */
  get grad(): Tensor {
    return installed(gradientOfLoss)(this)
  }

  /** Whether the elements are computed, so that `data`, `tolist()` and `item()` return them. */
  get computed(): boolean {
    return this.#state.computed !== undefined
  }

  /**
   * Writes `value` into a slice of the place that this handle was read from: `model.h[2].output.set(s`:, -1`, 0)`.
   * @throws NotAPlaceError on any other tensor; ArgumentError without a value
   */
  set(slice: unknown, value: unknown): void {
    const { place } = this.#state
    if (!place) throw new NotAPlaceError(this.#state.label, this.#state.position())
    if (value === undefined)
      throw new ArgumentError(
        'set() has no value to write: it takes a slice and a value.',
        currentPosition(),
        "name the slice first, where '...' is the whole tensor: h.set('...', 0)",
      )
    place.set(slice, value)
  }

  /** The dtype, dims and elements as text, with long axes shortened; for a handle, where it was read. */
  toString(): string {
    return describe(this.#state, knownAxes(this))
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return describe(this.#state, knownAxes(this))
    throw new ImplicitConversionError(this.#state.label, hint === 'number' ? 'number' : 'value', currentPosition())
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return describe(this.#state, knownAxes(this))
  }
}

let gradientOfLoss: ((tensor: Tensor) => Tensor) | undefined

/** Installs what `grad` of a tensor gives. Gradients are made of tensors, so this file can't import them. */
export function useGradientOfLoss(gradient: (tensor: Tensor) => Tensor): void {
  gradientOfLoss = gradient
}

/** Creates a small constant of the recording, such as axes or a shape. */
export function constantTensor(data: TensorData): Tensor {
  return withState(new TensorState(new Value(new Constant(data), 0, data.type, data.dims), data))
}

/** Creates a handle on a value that is not computed yet. */
export function newHandle(value: Value, recorder?: Recorder, place?: Place): Tensor {
  return withState(new TensorState(value, undefined, recorder, place))
}

/** Returns the dims as they were recorded; undefined where not even the rank is known. @throws NotSavedError */
export function dimsOf(tensor: Tensor): Dims | undefined {
  return stateOf(tensor).value.dims
}

/** Makes a tensor hold what the run has computed. */
export function setData(tensor: Tensor, data: TensorData): void {
  stateOf(tensor).setData(data)
  showContent(tensor, data)
}

/** Frees the elements of a tensor that nobody saved in a session, when the session has ended. */
export function release(tensor: Tensor): void {
  const state = stateOf(tensor)
  state.release()
  showContent(tensor, state.recorded)
}

/** The dtype and dims of one output of a recorded operation. */
export interface Result {
  readonly type: DataType
  readonly dims: Dims | undefined
}

/**
 * Records one ONNX operation in its opset-21 form, and returns a handle on each result. Every tensor operation ends here.
 * @throws MixedTracesError for inputs of different traces
 */
export function record(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  results: readonly Result[],
  attributes: OperationAttributes = {},
  domain = '',
): Tensor[] {
  let recorder: Recorder | undefined
  const values: (Value | undefined)[] = []
  for (const input of inputs) {
    const state = input && stateOf(input)
    values.push(state && roundedToFloat16(state.value, opType))
    const other = state?.recorder
    if (!other || other === recorder) continue
    if (recorder) throw new MixedTracesError(opType, currentPosition())
    recorder = other
  }
  const mark = (recorder ?? currentRecorder())?.mark()
  const operation = new Operation(opType, domain, values, attributes, results.length, mark)
  return results.map(({ type, dims }, i) => newHandle(new Value(operation, i, type, dims), recorder))
}

/** Records an operation with one result. */
export function recordOne(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  result: Result,
  attributes: OperationAttributes = {},
  domain = '',
): Tensor {
  return record(opType, inputs, [result], attributes, domain)[0]
}
