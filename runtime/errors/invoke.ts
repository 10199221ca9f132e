import { OnnsightError, type SourcePosition } from './error.ts'

export class InvokeError extends OnnsightError {
  static readonly code = 'invoke'
  constructor(message: string, fix: string, at?: SourcePosition) {
    super(InvokeError.code, message, { at, fix })
  }
}

export class BatchAxisError extends OnnsightError {
  static readonly code = 'batch-axis'
  constructor(label: string, reason: string) {
    super(BatchAxisError.code, `The rows of this invoke can't be told apart in ${label}: ${reason}.`, {
      fix: 'use a module whose value has one row for each prompt, or trace the prompts one by one',
    })
  }
}
