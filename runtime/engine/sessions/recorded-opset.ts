import type { Opsets } from './assemble.ts'

/** The opset in which recorded operations are written down. */
export const RECORDED_OPSET = 21

/** What a session of recorded operations alone declares. */
export const recordedOpsets: Opsets = {
  opsets: new Map([
    ['', RECORDED_OPSET],
    ['com.microsoft', 1],
  ]),
  irVersion: 10,
}
