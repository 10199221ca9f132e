import type { Opsets } from './assemble.ts'

/** The opset of recorded operations. */
export const RECORDED_OPSET = 21

/** The operator sets of a session with recorded operations only. */
export const recordedOpsets: Opsets = {
  opsets: new Map([
    ['', RECORDED_OPSET],
    ['com.microsoft', 1],
  ]),
  irVersion: 10,
}
