import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { messageInShell } from './shell-advice.ts'

/** What a shell gets. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** What a command can't do, for what lies in files or in the model. */
export class CommandError extends Error {
  readonly exitCode: number = exitCodes.failed
  constructor(message: string, fix: string, cause?: unknown) {
    super(`${message}\n  Do this: ${fix}`, cause === undefined ? undefined : { cause })
  }
}

/** A command line that can't be meant: it is told from its words alone, before any file is opened. */
export class UsageError extends CommandError {
  override readonly exitCode = exitCodes.usage
}

/** Says on stderr what went wrong, as one message, and gives the exit code. `ONNSIGHT_DEBUG` adds the stack. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // It has said so itself; help and version are no errors.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  }
  process.stderr.write(`${process.env.ONNSIGHT_DEBUG ? inspect(error) : messageOf(error)}\n`)
  return error instanceof CommandError ? error.exitCode : exitCodes.failed
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError) return error.message
  if (error instanceof OnnsightError) return messageInShell(error)
  const text = error instanceof Error ? error.message : String(error)
  return `${text}\n  Do this: run it again with ONNSIGHT_DEBUG=1, which shows where it failed`
}
