import { InvokeError } from '../../errors/invoke.ts'
import { refuseSurplus } from '../../tensor/arguments/check-arguments.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Block, recordedBlock, type Template } from '../blocks/block.ts'
import { currentTrace } from '../current-trace.ts'

/**
 * Runs a block on one prompt of a batch, inside `trace(model, () => …)`, which has no inputs of its own. All invokes run as one batch if they
 * can, and each block sees the rows of its own prompt, as if it ran alone. Without inputs, the block sees the whole batch.
 * @throws InvokeError outside a trace, in another invoke, or in a trace that has inputs
 */
export function invoke<R>(block: () => R | Promise<R>): Promise<R>
export function invoke<R>(inputs: unknown, block: () => R | Promise<R>): Promise<R>
/** The block in the template language: its saved values, by name. */
export function invoke(inputs: unknown, block: Template): Promise<Record<string, Tensor>>
export function invoke(first: unknown, second?: unknown, ...more: unknown[]): Promise<unknown> {
  const trace = currentTrace()
  const [inputs, block] = second === undefined ? [undefined, first] : [first, second]
  const recorded = recordedBlock(block)
  if ((typeof block !== 'function' && !recorded) || more.length > 0)
    throw new InvokeError(
      more.length > 0 ? 'invoke() takes inputs and a block, and no options.' : 'invoke() was given no block.',
      more.length > 0 ? 'pass options to trace(): they apply to the whole batch' : 'write invoke(inputs, () => …)',
    )
  if (!trace)
    throw new InvokeError(
      'invoke() was called outside a trace.',
      'write trace(model, () => { invoke(inputs, () => …) })',
    )
  const body = recorded ? () => record(recorded) : (block as () => unknown)
  return trace.invokes.add(inputs, body) as unknown as Promise<unknown>
}

/** Records the block when the invoke's batch is recorded, in the batch's trace, which is current then. */
function record(block: Block): unknown {
  const batch = currentTrace()!
  return block.record(batch.args[0], batch)
}

/** Does nothing. It is accepted so that ports from nnsight run: invokes are ordered by the values that they need of each other anyway. */
export function barrier(count?: number): void
export function barrier(_count?: number, ...surplus: unknown[]): void {
  refuseSurplus('barrier', 1, surplus)
  if (!currentTrace())
    throw new InvokeError(
      'barrier() was called outside a trace.',
      'leave it out: the values that you use put the invokes in order',
    )
}
