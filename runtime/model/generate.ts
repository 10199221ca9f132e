import { TraceArgumentsError } from '../errors/trace.ts'
import type { Generating } from '../generate/generated.ts'
import { generating } from '../generate/generating.ts'
import type { GenerateOptions } from '../generate/options.ts'
import { type Block, fromCompiled } from '../tracing/blocks/block.ts'
import type { CompiledBlock } from '../tracing/blocks/context.ts'
import { ModelHandle } from './model.ts'
import { handleOf } from './modules/module.ts'

/** The function that `generate(model, inputs, options, (model, step) => …)` expands to. */
export function generateCompiled(args: readonly unknown[], ...block: CompiledBlock): Generating<unknown, unknown> {
  return generate(args, fromCompiled(block))
}

/** The function that `generate(model, inputs, options)` expands to. */
export function generateModel(model: unknown, inputs: unknown, options: unknown): Generating<unknown, unknown> {
  return generate([model, inputs, options], undefined)
}

/** Rejects with TraceArgumentsError for anything but a model; with GenerateError for a model that is no decoder, or for contradictory options. */
export function generate(
  [model, inputs, options]: readonly unknown[],
  block: Block | undefined,
): Generating<unknown, unknown> {
  const handle = handleOf(model)
  if (handle instanceof ModelHandle) return handle.generate(inputs, options as GenerateOptions, block)
  return generating(() => {
    throw new TraceArgumentsError(
      'The first argument of generate() is not a model.',
      "pass what `await load('model.onnx')` gives",
      block?.info?.position(),
    )
  })
}
