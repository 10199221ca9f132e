import { OnnsightError } from '../../runtime/errors/error.ts'
import { CommandError } from '../shared/errors.ts'
import { messageInShell } from '../shared/shell-advice.ts'

/** What a shell gets for each reason why models can't be compared. */
const codes: Readonly<Record<string, number>> = {
  'compare-inputs': 4,
  'compare-outputs': 5,
  'compare-unrelated': 6,
  'compare-nan': 7,
}

/** The models can't be compared. */
class CompareFailure extends CommandError {
  override readonly exitCode: number
  constructor(error: OnnsightError) {
    super('', '', error)
    this.message = messageInShell(error)
    this.exitCode = codes[error.code]
  }
}

/** A metric is above its bound. */
export class BoundError extends CommandError {
  override readonly exitCode = 3
  constructor(exceeded: readonly string[]) {
    super(exceeded.join('\n'), 'look at the modules that are to blame, or raise the bound')
  }
}

/** The error with the exit code that it stands for. */
export function withExitCode(error: unknown): unknown {
  return error instanceof OnnsightError && error.code in codes ? new CompareFailure(error) : error
}
