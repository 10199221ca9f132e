import { OnnsightError } from './error.ts'

export class RemoteError extends OnnsightError {
  static readonly code = 'remote'
  constructor(message: string, fix: string, cause?: unknown) {
    super(RemoteError.code, message, { fix, cause })
  }
}
