import type { Engine } from '../engine/engine.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { DeclaredDims } from './batch.ts'
import type { Block } from './block.ts'

/** What a tracer needs of a model. */
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
  /** The error for inputs that onnxruntime finds not to fit together. */
  misfit(cause: unknown): Error
}

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
