import type { Engine } from '../engine/engine.ts'
import { refuseForeign } from '../errors/copies.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import type { Axes } from '../tensor/axes.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Block } from './blocks/block.ts'
import type { Info } from './blocks/info.ts'
import type { DeclaredDims } from './invokes/batch.ts'

/** What a trace needs of a model. */
export interface Traceable {
  readonly name: string
  /** The loaded model that it is, or is a view of: one for all views. */
  readonly identity: object
  readonly inputs: readonly DeclaredDims[]
  /** How another process opens it. */
  readonly source: { readonly path: string; readonly options: object }
  /** Standing edits: each is recorded before the block, in every trace. */
  readonly edits: readonly Edit[]
  /** What runs the model on these inputs. */
  variant(inputs: ReadonlyMap<string, TensorData>): Promise<TraceableVariant>
  /** Checks and converts the inputs of a trace. @throws InputError */
  prepare(inputs: unknown): ReadonlyMap<string, TensorData>
  /** What the axes of the model's values stand for on these inputs, by the value's name; undefined for a model without a tokenizer. */
  axes?(variant: TraceableVariant, inputs: ReadonlyMap<string, TensorData>): Promise<AxesOfValue> | undefined
  /** The error for inputs that onnxruntime finds not to fit together. */
  misfit(cause: unknown): Error
}

/** What the axes of a value stand for, by its name. */
export type AxesOfValue = (value: string) => Axes | undefined

/** A block that stands in a model, with what its parameter gets. */
export interface Edit {
  readonly block: Block
  readonly model: unknown
}

/** A model with its branches chosen. */
export interface TraceableVariant {
  readonly engine: Engine
  /** Values that chose the branches, before the block began: they can't be written any more. */
  readonly decided: ReadonlySet<string>
  /** For people. */
  readonly branches: readonly string[]
}

/** A model that can be traced says how, under a name that no module can have. */
export const traceable: unique symbol = Symbol.for('onnsight.traceable') as never

export interface HasTraceable {
  [traceable](): Traceable
}

/** @throws TraceArgumentsError for what is no model */
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
