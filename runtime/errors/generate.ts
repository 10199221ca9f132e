import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown by generate() for a model or options that it can't work with. */
export class GenerateError extends OnnsightError {
  static readonly code = 'generate'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(GenerateError.code, message, { at, fix })
  }
}

/** Thrown by iter(), all() and next() for a step that does not exist, and outside of generate(). */
export class StepError extends OnnsightError {
  static readonly code = 'step'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(StepError.code, message, { at, fix })
  }
}
