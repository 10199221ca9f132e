import type { OnnsightError, SourcePosition } from '../errors/error.ts'
import { NotComputedError, NotSavedError, UnknownShapeError } from '../errors/tensor.ts'
import { ScannedError } from '../errors/trace.ts'
import { type Dims, Operand, Value } from '../graph/expression.ts'
import type { Recorder } from '../graph/recorder.ts'
import type { TensorData } from './dtypes/data.ts'

/** The place in a model that a handle was read from, which its `set` writes to. */
export interface Place {
  readonly label: string
  set(slice: unknown, value: unknown): void
  /**
   * For a value that is computed beside the graph: the place in the graph of which it is a part. What flows back to that place flows back to
   * the value too.
   */
  readonly partOf?: (() => Sum | undefined) | undefined
}

/** A place whose value is the sum of parts, and the axis along which all parts lie, if the value beside the graph has them all. */
export interface Sum {
  readonly value: Value
  readonly parts?: { readonly count: number; readonly axis: number }
}

/** The internals of a tensor, for the library's own code. `stateOf` returns them; users see only the members of `Tensor`. */
export class TensorState {
  #value: Value
  #data: TensorData | undefined
  #failure: OnnsightError | undefined
  readonly #recorder: Recorder | undefined
  readonly place: Place | undefined

  constructor(value: Value, data?: TensorData, recorder?: Recorder, place?: Place) {
    this.#value = value
    this.#data = data
    this.#recorder = recorder
    this.place = place
  }

  /** The recorded value, even if the tensor's trace has ended. */
  get recorded(): Value {
    return this.#value
  }

  /** The recorded value, for other operations to use. @throws NotSavedError if its trace has ended without saving it */
  get value(): Value {
    if (this.isReleased) throw this.#whyReleased()
    return this.#value
  }

  /** The trace that the tensor belongs to; undefined once that has ended. */
  get recorder(): Recorder | undefined {
    return this.#recorder?.finished ? undefined : this.#recorder
  }

  /** The dims. In a generation, dims that are known from other steps are filled in. @throws UnknownShapeError */
  get dims(): Dims {
    const dims = this.#data?.dims ?? this.#value.dims
    if (!dims) throw new UnknownShapeError('dims', undefined, this.position())
    // The list is frozen because it is the library's own: changing it would change later traces.
    return Object.freeze(dims)
  }

  /** The dims for the user's code: the recorder may refuse to show a dim that differs from input to input. */
  dimsForCaller(): Dims {
    const { dims } = this
    const resolve = this.#recorder?.resolveDims
    return resolve && dims.includes(undefined) ? resolve(dims, this.label) : dims
  }

  /** The elements; undefined if they are not computed. */
  get computed(): TensorData | undefined {
    return this.#data
  }

  /** The elements. @throws NotSavedError, NotComputedError, ScannedError if they are not computed */
  data(): TensorData {
    if (this.#data) return this.#data
    if (this.#recorder?.finished) throw this.#whyReleased()
    throw new NotComputedError(this.label, this.#recorder !== undefined, this.position())
  }

  /** Whether the tensor was read from a place in the model, to which it can write. */
  get isPlace(): boolean {
    return this.place !== undefined
  }

  /** Whether the tensor's trace has ended without saving it. */
  get isReleased(): boolean {
    return this.#recorder?.finished === true && !this.#data
  }

  /** Whether the tensor's block was only scanned, so that it never gets elements. */
  get isOnlyScanned(): boolean {
    return this.#recorder?.isOnlyScanned === true && !this.#data
  }

  /** Makes the tensor hold `data` from now on. */
  setData(data: TensorData): void {
    this.#data = data
    this.#value = new Value(new Operand(data), 0, data.type, data.dims)
  }

  /** Frees the elements, when the session that the tensor belonged to has ended and nobody saved it. */
  release(): void {
    const { type, dims } = this.#value
    this.#data = undefined
    this.#value = new Value(new Operand({ type, dims: [0], data: [] } as never), 0, type, dims)
  }

  /** Sets the error that reading the elements throws, because the value can't be computed. */
  setFailure(failure: OnnsightError): void {
    this.#failure = failure
  }

  /** Runs the model up to this value. Returns undefined for a tensor that belongs to no trace. @throws NotSavedError after its trace */
  force(): Promise<TensorData> | undefined {
    if (this.#recorder?.finished) throw this.#whyReleased()
    return this.#recorder?.force(this.#value)
  }

  /** The tensor's name in messages. */
  get label(): string {
    if (this.place) return this.place.label
    const { expression } = this.#value
    if (expression.kind === 'read') return expression.tap.label
    if (expression.kind === 'operation') return `the result of ${expression.opType}`
    return 'a tensor'
  }

  /** The user's line that recorded the tensor. */
  position(): SourcePosition | undefined {
    const { expression } = this.#value
    return 'mark' in expression ? expression.mark?.position() : undefined
  }

  #whyReleased(): OnnsightError {
    if (this.#failure) return this.#failure
    if (this.#recorder?.isOnlyScanned) return new ScannedError(this.label, this.position())
    return new NotSavedError(this.label, this.#recorder?.name ?? '', this.position())
  }
}
