import { OnnsightError } from './error.ts'

export class WorkerError extends OnnsightError {
  static readonly code = 'worker'
  constructor(message: string, fix: string) {
    super(WorkerError.code, message, { fix })
  }
}

/** Restores an error that another process threw, with its code, text and place. */
export function restoredError(sent: {
  readonly code: string | undefined
  readonly name: string
  readonly message: string
  readonly fix: string | undefined
  readonly at: OnnsightError['at']
}): Error {
  if (sent.code === undefined) return Object.assign(new Error(sent.message), { name: sent.name })
  const error = new OnnsightError(sent.code, sent.message, { ...(sent.fix ? { fix: sent.fix } : {}), at: sent.at })
  // The text that was sent already has the code frame and the fix; what an uncaught error prints is its stack.
  const composed = error.message
  error.message = sent.message
  if (error.stack) error.stack = error.stack.replace(composed, () => sent.message)
  error.name = sent.name
  return error
}
