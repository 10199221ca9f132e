import type { SourcePosition } from '../errors/error.ts'
import { currentRecorder } from '../graph/recorder.ts'

/** The user's line that is being recorded: where an error of an operation points. */
export function here(): SourcePosition | undefined {
  return currentRecorder()?.mark()?.position()
}
