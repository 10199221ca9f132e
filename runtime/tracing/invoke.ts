import { InvokeError } from '../errors/invoke.ts'
import { currentRecorder } from '../graph/recorder.ts'
import { Tracer } from './tracer.ts'

/**
 * One prompt of a batch: inside `trace(model, () => …)`, which has no inputs of its own. All invokes run as one batch where they can, and
 * each block sees the rows of its own prompt, as if it ran alone. Without inputs the block sees the whole batch.
 * @throws InvokeError outside a trace, in another invoke, or in a trace that has inputs
 */
export function invoke<R>(block: () => R | Promise<R>): Promise<R>
export function invoke<R>(inputs: unknown, block: () => R | Promise<R>): Promise<R>
export function invoke<R>(first: unknown, second?: () => R | Promise<R>, ...more: unknown[]): Promise<R> {
  const tracer = currentRecorder()
  const [inputs, block] = second === undefined ? [undefined, first] : [first, second]
  if (typeof block !== 'function' || more.length > 0)
    throw new InvokeError(
      more.length > 0 ? 'invoke() takes inputs and a block, and no options.' : 'invoke() was given no block.',
      more.length > 0 ? 'give options to trace(): they hold for the whole batch' : 'write invoke(inputs, () => …)',
    )
  if (!(tracer instanceof Tracer) || tracer.finished)
    throw new InvokeError(
      'invoke() was called outside a trace.',
      'write trace(model, () => { invoke(inputs, () => …) })',
    )
  return tracer.invokes.add(inputs, block as () => R) as unknown as Promise<R>
}

/** Accepted so that ports from nnsight run: what an invoke needs of another orders them already. */
export function barrier(_count?: number): void {
  const tracer = currentRecorder()
  if (!(tracer instanceof Tracer) || tracer.finished)
    throw new InvokeError('barrier() was called outside a trace.', 'it may be left out: values order the invokes')
}
