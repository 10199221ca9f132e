import { TraceArgumentsError } from '../errors/trace.ts'
import type { Tap } from '../graph/expression.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { TensorLike } from '../tensor/values/convert.ts'
import { handleOf, type ModuleBase } from './modules/module.ts'

/** The value for a skipped module's output; for a module with several outputs, one for each name. */
export type SkipValue = TensorLike | Readonly<Record<string, TensorLike>>

/**
 * Leaves a module out: its output is `value`, or its input if no value is given. Its nodes don't run, so values inside can't be read or
 * written afterwards.
 * @throws SkippedError at such a read or write; ShapeError if the value doesn't fit; AmbiguousTapError if several values leave the module
 */
export function skip(module: ModuleBase, value?: SkipValue): void
export function skip(module: ModuleBase, value?: SkipValue, ...surplus: unknown[]): void {
  refuseSurplus('skip', 2, surplus, 'skip each module by itself; several outputs take an object')
  const handle = handleOf(module)
  if (!handle || handle.path === '') {
    throw new TraceArgumentsError(
      `skip() was given ${handle ? 'the whole model' : 'something that is not a module'}.`,
      'give it a module: skip(model.transformer.h[1]), or skip(model.transformer.h[1], value)',
    )
  }
  const { binding, scope } = handle
  const tracer = binding.tracer(handle.path)
  const { taps } = binding
  tracer.oneCall(() => {
    const writes: [Tap, unknown][] = isNamed(value)
      ? named(taps.outputTaps(scope), value, handle.path)
      : [[taps.outputTap(scope), value ?? tracer.read(taps.inputTap(scope))]]
    tracer.skip(scope, writes)
  })
}

function isNamed(value: SkipValue | undefined): value is Readonly<Record<string, TensorLike>> {
  if (typeof value !== 'object' || value === null || value instanceof Tensor) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value)
}

function named(
  outputs: ReadonlyMap<string, Tap>,
  values: Readonly<Record<string, TensorLike>>,
  path: string,
): [Tap, unknown][] {
  return Object.entries(values).map(([name, value]) => {
    const tap = outputs.get(name)
    if (tap) return [tap, value]
    throw new TraceArgumentsError(
      `skip() was given a value for ${name}, and ${path} has no such output.`,
      `its outputs are ${[...outputs.keys()].join(', ')}`,
    )
  })
}
