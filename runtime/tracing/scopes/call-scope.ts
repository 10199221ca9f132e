import { type Recorder, recorderScope } from '../../graph/recorder.ts'
import { type Session, sessionScope } from './session-scope.ts'

/**
 * The trace and the session that one call of a function runs in: those of its caller, wherever the function was written. They are made
 * current again after each of its awaits.
 */
export class CallScope {
  #recorder: Recorder | undefined
  #session: Session | undefined

  constructor() {
    this.note()
  }

  /** Notes what is current now. A generator goes on in the code that asks for its next value. */
  note(): void {
    this.#recorder = recorderScope().get()
    this.#session = sessionScope().get()
  }

  /** Call this before an await: what runs meanwhile does not run in this trace. */
  leave(): void {
    if (this.#recorder) recorderScope().leave(this.#recorder, this.#recorder.caller)
    if (this.#session) sessionScope().leave(this.#session, this.#session.caller)
  }

  /** Call this after an await: the trace and the session are current again. */
  reenter(): void {
    const recorder = lastStep(this.#recorder)
    if (!recorder?.finished && recorderScope().get() !== recorder) recorderScope().enter(recorder)
    if (!this.#session?.finished && sessionScope().get() !== this.#session) sessionScope().enter(this.#session)
  }
}

/** The block of a generation's step may go on in later steps: this gives the step that it is in now. */
function lastStep(recorder: Recorder | undefined): Recorder | undefined {
  let last = recorder
  while (last?.continuedBy) last = last.continuedBy
  return last
}
