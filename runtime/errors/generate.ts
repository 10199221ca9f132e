import { OnnsightError, type SourcePosition } from './error.ts'

/** generate() was given a model or options that it can't work with. */
export class GenerateError extends OnnsightError {
  static readonly code = 'generate'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(GenerateError.code, message, { at, fix })
  }
}

/** iter(), all() or next() where there is no such step. */
export class StepError extends OnnsightError {
  static readonly code = 'step'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(StepError.code, message, { at, fix })
  }
}
