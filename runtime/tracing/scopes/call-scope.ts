import { type Recorder, recorderScope } from '../../graph/recorder.ts'
import { type Session, sessionScope } from './session-scope.ts'

/**
 * The trace and the session in which one call of a function runs. They are those of its caller, wherever the function was written, and are
 * made current again after each of its awaits.
 */
export class CallScope {
  #recorder: Recorder | undefined
  #session: Session | undefined

  constructor() {
    this.note()
  }

  /** Notes the current trace and session. A generator continues in the code that asks for its next value. */
  note(): void {
    this.#recorder = recorderScope().get()
    this.#session = sessionScope().get()
  }

  /** Call this before an await: code that runs meanwhile does not run in this trace. */
  leave(): void {
    if (this.#recorder) recorderScope().leave(this.#recorder, this.#recorder.caller)
    if (this.#session) sessionScope().leave(this.#session, this.#session.caller)
  }

  /** Call this after an await: it makes the trace and the session current again. */
  reenter(): void {
    const recorder = lastStep(this.#recorder)
    if (!recorder?.finished && recorderScope().get() !== recorder) recorderScope().enter(recorder)
    if (!this.#session?.finished && sessionScope().get() !== this.#session) sessionScope().enter(this.#session)
  }
}

/** Returns the trace of the step that a generation's block is in now: it may continue in later steps. */
function lastStep(recorder: Recorder | undefined): Recorder | undefined {
  let last = recorder
  while (last?.continuedBy) last = last.continuedBy
  return last
}
