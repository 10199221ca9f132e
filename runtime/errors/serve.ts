import { OnnsightError } from './error.ts'

export class ServeError extends OnnsightError {
  static readonly code = 'serve'
  constructor(message: string, fix: string, cause?: unknown) {
    super(ServeError.code, message, { fix, cause })
  }
}

/** What a server refuses to a request, whatever it asks of the model. */
export class RefusedError extends OnnsightError {
  static readonly code = 'refused'
  constructor(message: string, fix: string) {
    super(RefusedError.code, message, { fix })
  }
}
