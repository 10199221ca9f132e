import type { Engine } from '../engine/engine.ts'
import { refuseForeign } from '../errors/copies.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import type { Dims } from '../graph/expression.ts'
import type { Axes } from '../tensor/axes.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Block } from './blocks/block.ts'
import type { Info } from './blocks/info.ts'
import type { DeclaredDims } from './invokes/batch.ts'
import type { Runner } from './runner.ts'

/** The part of a model that a trace uses. */
export interface Traceable {
  readonly name: string
  /** The loaded model. All views of one model have the same. */
  readonly identity: object
  readonly inputs: readonly DeclaredDims[]
  /** How another process opens the model. */
  readonly source: { readonly path: string; readonly options: object }
  /** The standing edits. Each is recorded before the block in every trace. */
  readonly edits: readonly Edit[]
  /** Returns the model with the branches that these inputs choose. */
  variant(inputs: ReadonlyMap<string, TensorData>): Promise<TraceableVariant>
  /** Computes inputs that another model makes, such as an encoder's states; undefined if there are none to compute. */
  complete?(inputs: unknown): Promise<unknown> | undefined
  /** Checks and converts the inputs of a trace. @throws InputError */
  prepare(inputs: unknown): ReadonlyMap<string, TensorData>
  /**
   * What the axes of the model's values stand for on these inputs; undefined for a model without a tokenizer.
   * @param all the tokens of each row, including those in the cache, if they are known
   */
  axes?(
    variant: TraceableVariant,
    inputs: ReadonlyMap<string, TensorData>,
    all?: AllTokens,
  ): Promise<AxesOfValue> | undefined
  /** Runs traces elsewhere; undefined for a model that runs here. */
  readonly newRunner?: (() => Runner) | undefined
  /** Makes the error for inputs that onnxruntime rejects as not fitting together. */
  misfit(cause: unknown): Error
}

/** What the axes of a value stand for, by its name and dims. */
export type AxesOfValue = (value: string, dims: Dims) => Axes | undefined

/** Returns the ids of each row's tokens. */
export type AllTokens = () => readonly (readonly number[])[]

/** A standing edit: a block, and the model that its parameter gets. */
export interface Edit {
  readonly block: Block
  readonly model: unknown
}

/** A model with its branches chosen. */
export interface TraceableVariant {
  readonly engine: Engine
  /** Values that chose the branches before the block began, so that they can't be written any more. */
  readonly decided: ReadonlySet<string>
  /** The branches as users see them. */
  readonly branches: readonly string[]
}

/** The member by which a model can be traced. No module can have this name. */
export const traceable: unique symbol = Symbol.for('onnsight.traceable') as never

export interface HasTraceable {
  [traceable](): Traceable
}

/** Returns the traceable model of an argument. @throws TraceArgumentsError for anything but a model */
export function asTraceable(model: unknown, form: string, info?: Info): Traceable {
  refuseForeign(model)
  const found = (model as Partial<HasTraceable> | null | undefined)?.[traceable]
  if (typeof found === 'function') return (model as HasTraceable)[traceable]()
  const what = model instanceof Promise ? 'a promise' : model === undefined ? 'undefined' : `a ${typeof model}`
  throw new TraceArgumentsError(
    `The first argument of ${form}() is ${what}, not a model.`,
    model instanceof Promise ? 'await load(…) first' : "pass what `await load('model.onnx')` gives",
    info?.position(),
  )
}
