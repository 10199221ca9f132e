import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown for a text that a model can't take: it is empty or too long, or has special tokens that a user must not write. */
export class PromptError extends OnnsightError {
  static readonly code = 'prompt'
  constructor(message: string, fix: string, at?: SourcePosition, cause?: unknown) {
    super(PromptError.code, message, { fix, at, cause })
  }
}

/** Thrown for a place in a prompt at which there is no token. */
export class PositionError extends OnnsightError {
  static readonly code = 'position'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(PositionError.code, message, { fix, at })
  }
}
