import { OnnsightError } from '../../runtime/errors/error.ts'
import { CommandError } from '../shared/errors.ts'
import { messageInShell } from '../shared/shell-advice.ts'

/** The exit code for each reason why models can't be compared, by the error's code. */
const codes: Readonly<Record<string, number>> = {
  'compare-inputs': 4,
  'compare-outputs': 5,
  'compare-unrelated': 6,
  'compare-nan': 7,
}

/** Reports that the models can't be compared. */
class CompareFailure extends CommandError {
  override readonly exitCode: number
  constructor(error: OnnsightError) {
    super('', '', error)
    this.message = messageInShell(error)
    this.exitCode = codes[error.code]
  }
}

/** Reports that metrics are above their bounds. */
export class BoundError extends CommandError {
  override readonly exitCode = 3
  constructor(exceeded: readonly string[]) {
    super(exceeded.join('\n'), 'look at the modules that are to blame, or raise the bound')
  }
}

/** Gives the errors of compare() their exit codes. Other errors are returned as they are. */
export function withExitCode(error: unknown): unknown {
  return error instanceof OnnsightError && error.code in codes ? new CompareFailure(error) : error
}
