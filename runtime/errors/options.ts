import { OnnsightError, type SourcePosition } from './error.ts'

/** Thrown for an option that a call does not have. Without the error, it would be ignored silently. */
export class UnknownOptionError extends OnnsightError {
  static readonly code = 'unknown-option'
  constructor(call: string, name: string, nearest: string | undefined, known: readonly string[], at?: SourcePosition) {
    super(UnknownOptionError.code, `${call} has no option ${name}.`, {
      at,
      fix: nearest
        ? `write ${nearest}`
        : known.length > 0
          ? `use one of its options: ${known.join(', ')}`
          : 'leave it out: there are no options',
    })
  }
}
