// With the condition "browser", `onnsight` is the browser's half: the same one as `onnsight/web`, and without what only Node has.
import { clearKept, load, type WorkerBackend as None } from 'onnsight'
import type * as web from 'onnsight/web'

export const same: [typeof web.load, typeof web.clearKept] = [load, clearKept]
export type Nothing = None
