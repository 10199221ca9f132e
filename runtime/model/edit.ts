import { refuseForeign } from '../errors/copies.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { type Block, type CompiledBlock, fromCompiled } from '../tracing/block.ts'
import type { Edit, Traceable } from '../tracing/traceable.ts'
import { type Model, ModelHandle } from './model.ts'
import { handleOf } from './module.ts'

/** Options of `edit()`. */
export interface EditOptions {
  /** Changes the model itself, and gives it back. @default false: a view with the edit, the original as it was */
  readonly inplace?: boolean
}

/** What `edit(model, options?, () => …)` expands to. */
export function editCompiled(args: readonly unknown[], block: CompiledBlock): Model {
  return edit(args, fromCompiled(block))
}

/** @throws TraceArgumentsError for what is no model */
export function edit([model, options]: readonly unknown[], block: Block): Model {
  refuseForeign(model)
  const handle = handleOf(model)
  if (handle instanceof ModelHandle) return handle.withEdit(block, (options ?? {}) as EditOptions)
  throw new TraceArgumentsError(
    'The first argument of edit() is not a model.',
    "pass what `await load('model.onnx')` gives",
    block.info?.position(),
  )
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
