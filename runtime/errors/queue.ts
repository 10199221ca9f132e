import { OnnsightError } from './error.ts'

/** A queue can’t be used, or jobs in it have failed as often as they may. */
export class QueueError extends OnnsightError {
  static readonly code = 'queue'
  constructor(message: string, fix: string, cause?: unknown) {
    super(QueueError.code, message, { fix, cause })
  }
}
