import { Float16Array } from '@petamoriken/float16'
import { type Copy, copy, ownCopy } from '../errors/copies.ts'
import type { OnnsightError } from '../errors/error.ts'
import {
  ImplicitConversionError,
  IndexError,
  MixedTracesError,
  NotAPlaceError,
  NotComputedError,
  NotSavedError,
  UnknownShapeError,
} from '../errors/tensor.ts'
import { ScannedError } from '../errors/trace.ts'
import { type Attributes, Constant, type Dims, Operand, Operation, Value } from '../graph/expression.ts'
import { currentRecorder, evaluate, type Recorder } from '../graph/recorder.ts'
import { sizeOf, type TensorData } from './data.ts'
import type { DataType, TensorArray } from './dtype.ts'
import { here } from './here.ts'
import { describe } from './inspect.ts'
import { toNested } from './nested.ts'
import type { TensorMethods } from './ops/index.ts'
import { stored } from './stored.ts'

/** The operations, one family a file: `ops/index.ts` puts them on the prototype. */
export interface Tensor extends TensorMethods {}

const COMPARE =
  "take its number: item(), or add an axis: unsqueeze(0); to compare tensors in a test, closeTo(a, b) from 'onnsight/testing', or expect(a.tolist()).toEqual(b.tolist())"

/** Writes back to the place a handle was read from. */
export interface Place {
  readonly label: string
  set(slice: unknown, value: unknown): void
}

/** What deepStrictEqual of Node and isEqual of lodash compare: dtype, dims and elements, or of a handle what computes it. */
const CONTENT = Symbol('content')

/**
 * A tensor. Inside a block it is a handle: operations on it are recorded, not run. Outside it holds a value, or is
 * computed when asked for: `await t.softmax(-1).value()`.
 */
export class Tensor {
  #value: Value
  #held: TensorData | undefined
  #refused: OnnsightError | undefined
  readonly #owner: Recorder | undefined
  readonly #place: Place | undefined

  private constructor(value: Value, held?: TensorData, owner?: Recorder, place?: Place) {
    this.#value = value
    this.#held = held
    this.#owner = owner
    this.#place = place
    this.#show(held ?? value)
  }

  /** Comparisons that go by own properties see no private ones, and would take any two tensors for equal. */
  #show(content: object): void {
    ;(this as Record<symbol, unknown>)[CONTENT] = content
  }

  /** A tensor that holds `data`. The array is taken as it is, not copied. */
  static of(data: TensorData): Tensor {
    return new Tensor(new Value(new Operand(data), 0, data.type, data.dims), data)
  }

  /** A small tensor that is part of what is recorded: axes, shapes. @internal */
  static constant(data: TensorData): Tensor {
    return new Tensor(new Value(new Constant(data), 0, data.type, data.dims), data)
  }

  /** A handle on a value that is not computed yet. @internal */
  static handle(value: Value, owner?: Recorder, place?: Place): Tensor {
    return new Tensor(value, undefined, owner, place)
  }

  /** @internal */
  get [copy](): Copy {
    return ownCopy
  }

  /** Element type. */
  get type(): DataType {
    return this.#value.type
  }

  /** Dims, outermost first. A dim that depends on the data is undefined until the value is computed.
   * @throws UnknownShapeError if not even the rank is known */
  get dims(): Dims {
    const dims = this.#held?.dims ?? this.#value.dims
    if (!dims) throw new UnknownShapeError('dims', undefined, this.position())
    const asked = this.#owner?.asked
    // The library's own list: whoever changed it would change later traces.
    return asked && dims.includes(undefined) ? asked(dims, this.label) : Object.freeze(dims)
  }

  /** How many axes. @throws UnknownShapeError if that is not known */
  get rank(): number {
    return this.dims.length
  }

  /** Number of elements. @throws UnknownShapeError where a dim depends on the data */
  get size(): number {
    if (this.dims.includes(undefined)) throw new UnknownShapeError('size', this.dims, this.position())
    return sizeOf(this.dims as number[])
  }

  /** The axes in reverse order. */
  get T(): Tensor {
    return this.permute(this.dims.map((_, axis) => axis).reverse())
  }

  /** The last two axes exchanged. */
  get mT(): Tensor {
    return this.transpose(-2, -1)
  }

  /** The parts along the first axis. @throws UnknownShapeError if its length depends on the data */
  *[Symbol.iterator](): Generator<Tensor, undefined> {
    const [length] = this.dims
    // What test tools' toEqual comes to: it goes through both tensors to their single elements, and finds nothing there to compare.
    if (this.rank === 0) throw new IndexError('A tensor of rank 0 has no parts to go through', here(), COMPARE)
    if (length === undefined)
      throw new UnknownShapeError('Going through a tensor', this.dims, currentRecorder()?.mark()?.position())
    for (let i = 0; i < length; i++) yield this.select(0, i)
  }

  /**
   * The elements, row-major. int64 is a BigInt64Array, bool a Uint8Array of 0 and 1, float16 a Float16Array. Read it, don't write
   * into it: other tensors may share it.
   * @throws NotSavedError after the trace, if it was not saved; NotComputedError before it ran
   */
  get data(): TensorArray | Float16Array {
    const { type, data } = this.held()
    if (type !== 'float16') return data
    const bits = data as Uint16Array
    return new Float16Array(bits.buffer as ArrayBuffer, bits.byteOffset, bits.length)
  }

  /** Nested arrays of numbers (int64 beyond 2^53 stays bigint), booleans or strings; a plain one for rank 0. */
  tolist(): NestedList {
    return toNested(this.held())
  }

  /** As `tolist`. @throws NotSavedError, NotComputedError */
  toJSON(): NestedList {
    return this.tolist()
  }

  /** The only element. @throws ShapeError if there are more */
  item(): number | bigint | boolean | string {
    const held = this.held()
    if (sizeOf(held.dims) !== 1)
      throw new UnknownShapeError(`item() on ${sizeOf(held.dims)} elements`, held.dims, this.position())
    return toNested({ ...held, dims: [] }) as number | bigint | boolean | string
  }

  /**
   * The computed value. Inside a block this runs the model up to here, and the block goes on; outside, it runs the operations.
   * @throws NotSavedError after its trace, if it was not saved
   */
  async value(): Promise<Tensor> {
    if (this.#held) return this
    if (this.#owner) {
      if (this.#owner.finished) throw this.#released()
      return Tensor.of(await this.#owner.force(this.#value))
    }
    const [data] = await evaluate([this.#value])
    this.fulfil(data)
    return this
  }

  /** Whether its trace has ended without saving it. @internal */
  get gone(): boolean {
    return this.#owner?.finished === true && !this.#held
  }

  /** Whether it was only scanned: there will be no value. @internal */
  get scanned(): boolean {
    return this.#owner?.scanned === true && !this.#held
  }

  /** Whether the value is here, in JavaScript. */
  get computed(): boolean {
    return this.#held !== undefined
  }

  /** Writes `value` into the slice of the place this was read from: `model.h[2].output.set(s`:, -1`, 0)`.
   * @throws NotAPlaceError on a computed value */
  set(slice: unknown, value: unknown): void {
    if (!this.#place) throw new NotAPlaceError(this.label, this.position())
    this.#place.set(slice, value)
  }

  /** Whether it was read from a place in the model, and can write there. @internal */
  get isPlace(): boolean {
    return this.#place !== undefined
  }

  /** @internal */
  get node(): Value {
    if (this.gone) throw this.#released()
    return this.#value
  }

  /** @internal */
  get owner(): Recorder | undefined {
    return this.#owner?.finished ? undefined : this.#owner
  }

  /** The data, or the error that says why it isn't here. @internal */
  held(): TensorData {
    if (this.#held) return this.#held
    if (this.#owner?.finished) throw this.#released()
    throw new NotComputedError(this.label, this.#owner !== undefined, this.position())
  }

  /** Called when the run has the value. From now on this is a tensor that holds it. @internal */
  fulfil(data: TensorData): void {
    this.#held = data
    this.#value = new Value(new Operand(data), 0, data.type, data.dims)
    this.#show(data)
  }

  /** Lets the value go: the session that it belonged to has ended, and it was not saved. @internal */
  drop(): void {
    const { type, dims } = this.#value
    this.#held = undefined
    this.#value = new Value(new Operand({ type, dims: [0], data: [] } as never), 0, type, dims)
    this.#show(this.#value)
  }

  /** How messages name it. @internal */
  get label(): string {
    if (this.#place) return this.#place.label
    const { expression } = this.#value
    if (expression.kind === 'read') return expression.tap.label
    if (expression.kind === 'operation') return `the result of ${expression.opType}`
    return 'a tensor'
  }

  /** Where it was recorded. @internal */
  position() {
    const { expression } = this.#value
    return 'mark' in expression ? expression.mark?.position() : undefined
  }

  /** Dtype, dims and elements, long axes shortened; of a handle, where it was read. */
  toString(): string {
    return describe(this)
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return describe(this)
    throw new ImplicitConversionError(
      this.label,
      hint === 'number' ? 'number' : 'value',
      currentRecorder()?.mark()?.position(),
    )
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return describe(this)
  }

  /** It can't be computed, and nobody has asked for it: who does so hears why. @internal */
  refuse(reason: OnnsightError): void {
    this.#refused = reason
  }

  #released(): OnnsightError {
    if (this.#refused) return this.#refused
    if (this.#owner?.scanned) return new ScannedError(this.label, this.position())
    return new NotSavedError(this.label, this.#owner?.name ?? '', this.position())
  }
}

/** Elements, in arrays as deep as the tensor has axes. */
export type NestedList = number | bigint | boolean | string | NestedList[]

/** What a recorded operation gives, for each of its outputs. */
export interface Result {
  readonly type: DataType
  readonly dims: Dims | undefined
}

/**
 * Records one ONNX operation, in its opset-21 form, and gives a handle for each result. Every tensor operation ends here.
 * @internal
 */
export function record(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  results: readonly Result[],
  attributes: Attributes = {},
  domain = '',
): Tensor[] {
  let owner: Recorder | undefined
  const values: (Value | undefined)[] = []
  for (const input of inputs) {
    values.push(input && stored(input.node, opType))
    const inputOwner = input?.owner
    if (!inputOwner || inputOwner === owner) continue
    if (owner) throw new MixedTracesError(opType, currentRecorder()?.mark()?.position())
    owner = inputOwner
  }
  const mark = (owner ?? currentRecorder())?.mark()
  const operation = new Operation(opType, domain, values, attributes, results.length, mark)
  return results.map(({ type, dims }, i) => Tensor.handle(new Value(operation, i, type, dims), owner))
}

/** `record` for the operations with one result. @internal */
export function recordOne(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  result: Result,
  attributes: Attributes = {},
  domain = '',
): Tensor {
  return record(opType, inputs, [result], attributes, domain)[0]
}
