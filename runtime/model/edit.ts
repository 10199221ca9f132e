import { refuseForeign } from '../errors/copies.ts'
import { TraceArgumentsError } from '../errors/trace.ts'
import { type Block, fromCompiled } from '../tracing/blocks/block.ts'
import type { CompiledBlock } from '../tracing/blocks/context.ts'
import { type Model, ModelHandle } from './model.ts'
import { handleOf } from './modules/module.ts'
import type { EditOptions } from './standing-edits.ts'

/** The function that `edit(model, options?, () => …)` expands to. */
export function editCompiled(args: readonly unknown[], ...block: CompiledBlock): Model {
  return edit(args, fromCompiled(block))
}

/** @throws TraceArgumentsError for anything but a model */
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
