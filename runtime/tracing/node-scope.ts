import { AsyncLocalStorage } from 'node:async_hooks'
import type { CurrentRecorder, Recorder } from '../graph/recorder.ts'

/** Follows awaits, also in helper functions that the macro has not seen: concurrent traces can't see each other. */
export function asyncRecorderScope(): CurrentRecorder {
  const storage = new AsyncLocalStorage<Recorder | undefined>()
  return {
    get: () => storage.getStore(),
    run: (recorder, body) => storage.run(recorder, body),
    enter: recorder => storage.enterWith(recorder),
  }
}
