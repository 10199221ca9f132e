import { SaveError } from '../errors/trace.ts'
import { currentRecorder } from '../graph/recorder.ts'
import { refuseSurplus } from '../tensor/arguments/check-arguments.ts'
import { stateOf } from '../tensor/tensor.ts'
import { RunningTrace } from './running-trace.ts'
import { currentSession } from './scopes/session-scope.ts'
import { collectTensors } from './values/collect-tensors.ts'

/**
 * Keeps the value of a handle, or of all handles in an array or a plain object, after the trace. Returns its argument.
 * @throws SaveError outside a trace, or for a tensor of another trace
 */
export function save<T>(value: T): T
export function save<T>(value: T, ...surplus: unknown[]): T {
  refuseSurplus('save', 1, surplus, 'write save([a, b]), or save() around each')
  const recorder = currentRecorder()
  for (const tensor of collectTensors(value)) {
    const owner = stateOf(tensor).recorder ?? recorder
    if (owner instanceof RunningTrace && !owner.finished) owner.save(tensor)
    else if (!tensor.computed)
      throw new SaveError(
        `save() was given ${stateOf(tensor).label} outside a trace.`,
        'call it inside the block; outside, use `await t.value()`',
      )
  }
  const session = currentSession()
  if (session) for (const tensor of collectTensors(value)) session.save(tensor)
  else if (!recorder || recorder.finished) {
    throw new SaveError('save() was called outside a trace.', 'call it inside the block of a trace')
  }
  return value
}
