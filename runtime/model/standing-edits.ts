import type { Edit, Traceable } from '../tracing/traceable.ts'

/** Options of `edit()`. */
export interface EditOptions {
  /** Changes the model itself, and gives it back. @default false: a view with the edit, the original as it was */
  readonly inplace?: boolean
}

/** The model with its edits: weights and sessions are the same. */
export function withEdits(model: Traceable, edits: readonly Edit[]): Traceable {
  return {
    name: model.name,
    identity: model.identity,
    inputs: model.inputs,
    source: model.source,
    edits: [...edits],
    variant: inputs => model.variant(inputs),
    prepare: inputs => model.prepare(inputs),
    misfit: cause => model.misfit(cause),
  }
}
