import { AssertionFailedError, ConditionError } from '../errors/trace.ts'
import { currentRecorder, recorderScope } from '../graph/recorder.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { indexOf } from '../tensor/dtypes/data.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'

/**
 * Prints values as they are at this point: the model runs as far as they need. In a block that the macro captures, the macro awaits the
 * call; elsewhere, await it.
 */
export async function print(...values: unknown[]): Promise<void> {
  if (currentRecorder()?.isSilent) return
  const computedValues = await computed(values)
  console.log(...computedValues)
}

/**
 * Runs the model as far as the condition needs, and ends the trace with an error if it does not hold. A tensor holds if all of its elements
 * are true. The call is awaited as `print` is.
 * @throws AssertionFailedError; ConditionError for a tensor of text
 */
export async function assert(condition: unknown, message?: string): Promise<void>
export async function assert(condition: unknown, message?: string, ...surplus: unknown[]): Promise<void> {
  refuseSurplus('assert', 2, surplus)
  const at = currentRecorder()?.mark()?.position()
  const label = condition instanceof Tensor ? stateOf(condition).label : String(condition)
  const [value] = await computed([condition])
  if (!(value instanceof Tensor)) {
    if (!value) throw new AssertionFailedError(message ?? label, undefined, at)
    return
  }
  const { data, dims, type } = stateOf(value).data()
  if (type === 'string') throw new ConditionError(`assert() was given text: ${label}.`, 'give it a bool', at)
  const failed = Array.from(data as ArrayLike<number | bigint>).findIndex(element => !element)
  if (failed >= 0) throw new AssertionFailedError(message ?? label, indexOf(failed, dims), at)
}

async function computed(values: readonly unknown[]): Promise<unknown[]> {
  const recorder = currentRecorder()
  const done: unknown[] = []
  for (const value of values) {
    done.push(value instanceof Tensor ? await value.value() : value)
    // Without async context, the trace must be made current again after an await.
    recorderScope().enter(recorder)
  }
  return done
}
