import { OnnsightError } from './error.ts'

/** A sweep can't be made as it was asked for, or its table can't be read. */
export class SweepError extends OnnsightError {
  static readonly code = 'sweep'
  constructor(message: string, fix: string, cause?: unknown) {
    super(SweepError.code, message, { fix, cause })
  }
}
