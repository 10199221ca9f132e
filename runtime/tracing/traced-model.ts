import type { Engine } from '../engine/engine.ts'
import { OnnsightError } from '../errors/error.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import type { KnownShapes } from './taps/tap-access.ts'
import type { AllTokens, AxesOfValue, Traceable, TraceableVariant } from './traceable.ts'

/** Dtypes and dims of a trace's inputs, by name. */
export type InputShapes = ReadonlyMap<string, { readonly type: HeldType; readonly dims: readonly number[] }>

/** Finds the shapes of a model's values for these inputs. */
export type FindShapes = (engine: Engine, inputs: InputShapes) => Promise<KnownShapes>

/** The model of one trace, and the inputs that the trace runs it on. */
export class TracedModel {
  readonly #args: readonly unknown[]
  #model: Traceable | undefined
  #variant: TraceableVariant | undefined
  #inputs: ReadonlyMap<string, TensorData> = new Map()

  /** `args` are the arguments of trace(): a model and its inputs. */
  constructor(args: readonly unknown[]) {
    this.#args = args
  }

  get model(): Traceable {
    if (!this.#model) throw new Error('The tracer has not begun.')
    return this.#model
  }

  set model(model: Traceable) {
    this.#model = model
  }

  /** The model with the branches that the inputs chose. */
  get variant(): TraceableVariant {
    if (!this.#variant) throw new Error('The tracer has not begun.')
    return this.#variant
  }

  /** The model’s inputs as they are fed, by name. There are none before `begin`. */
  get inputs(): ReadonlyMap<string, TensorData> {
    return this.#inputs
  }

  /** Frees the inputs of a trace that has ended. References to the trace may remain, but nothing reads its inputs any more. */
  forgetInputs(): void {
    this.#inputs = new Map()
  }

  /** Whether trace() was called without inputs on a model that has some: then the invokes in the block bring them. */
  get awaitsInvokes(): boolean {
    return (this.#args.length < 2 || this.#args[1] === null) && this.model.inputs.length > 0
  }

  /** Checks the inputs, chooses the branches, and finds the shapes of all values: by `findShapes`, or else by the engine. */
  async begin(
    findShapes: FindShapes | undefined,
    needsAxes: boolean,
    all: AllTokens | undefined,
  ): Promise<{ readonly shapes: KnownShapes; readonly axes: AxesOfValue | undefined }> {
    const { model } = this
    const completed = model.complete?.(this.#args[1])
    const inputs = model.prepare(completed ? await completed : this.#args[1])
    this.#inputs = inputs
    const inputShapes = new Map([...inputs].map(([name, { type, dims }]) => [name, { type, dims }]))
    try {
      const variant = await model.variant(inputs)
      this.#variant = variant
      const shapes = await (findShapes ?? shapesByEngine)(variant.engine, inputShapes)
      return { shapes, axes: needsAxes ? await model.axes?.(variant, inputs, all) : undefined }
    } catch (error) {
      throw error instanceof OnnsightError ? error : model.misfit(error)
    }
  }
}

const shapesByEngine: FindShapes = (engine, inputs) => engine.shapes(inputs)
