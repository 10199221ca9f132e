import type { SourcePosition } from '../errors/error.ts'
import { currentRecorder } from '../graph/recorder.ts'

/** Returns the user's line that is being recorded, for errors of operations. */
export function currentPosition(): SourcePosition | undefined {
  return currentRecorder()?.mark()?.position()
}
