import { OnnsightError, type SourcePosition } from './error.ts'

/** A text that can't be given to a model: it is empty or too long, or has tokens that the user must not write. */
export class PromptError extends OnnsightError {
  static readonly code = 'prompt'
  constructor(message: string, fix: string, at?: SourcePosition, cause?: unknown) {
    super(PromptError.code, message, { fix, at, cause })
  }
}

/** A place in a prompt where no token is. */
export class PositionError extends OnnsightError {
  static readonly code = 'position'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(PositionError.code, message, { fix, at })
  }
}
