import type { SourcePosition } from '../errors/error.ts'
import { currentRecorder } from '../graph/recorder.ts'

/** The line of the user that is being recorded. Errors of operations point there. */
export function currentPosition(): SourcePosition | undefined {
  return currentRecorder()?.mark()?.position()
}
