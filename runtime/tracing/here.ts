import { type Recorder, recorderScope } from '../graph/recorder.ts'
import { type Session, sessionScope } from './session.ts'

/**
 * The trace and the session that one call of a function runs in: those of its caller, wherever it was written. They are current again after
 * each of its awaits.
 */
export class Here {
  #recorder: Recorder | undefined
  #session: Session | undefined

  constructor() {
    this.note()
  }

  /** What is current now: a generator goes on in the code that asks for its next value. */
  note(): void {
    this.#recorder = recorderScope().get()
    this.#session = sessionScope().get()
  }

  /** Before an await: what runs meanwhile is not in it. */
  leave(): void {
    if (this.#recorder) recorderScope().leave(this.#recorder, this.#recorder.caller)
    if (this.#session) sessionScope().leave(this.#session, this.#session.caller)
  }

  /** After an await. */
  return(): void {
    const recorder = following(this.#recorder)
    if (!recorder?.finished && recorderScope().get() !== recorder) recorderScope().enter(recorder)
    if (!this.#session?.finished && sessionScope().get() !== this.#session) sessionScope().enter(this.#session)
  }
}

/** A step of a generation whose block has gone on: the step that it is in now. */
function following(recorder: Recorder | undefined): Recorder | undefined {
  let last = recorder
  while (last?.successor) last = last.successor
  return last
}
