import type { Edit, Traceable } from '../tracing/traceable.ts'

/** Options of `edit()`. */
export interface EditOptions {
  /** Whether to change the model itself. @default false: the edited model is another object, and the original is unchanged */
  readonly inplace?: boolean
}

/** The model with these edits. It shares weights and sessions. */
export function withEdits(model: Traceable, edits: readonly Edit[]): Traceable {
  return {
    name: model.name,
    identity: model.identity,
    inputs: model.inputs,
    source: model.source,
    edits: [...edits],
    newRunner: model.newRunner,
    variant: inputs => model.variant(inputs),
    prepare: inputs => model.prepare(inputs),
    complete: inputs => model.complete?.(inputs),
    axes: (variant, inputs, all) => model.axes?.(variant, inputs, all),
    misfit: cause => model.misfit(cause),
  }
}
