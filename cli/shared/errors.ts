import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { messageInShell } from './shell-advice.ts'

/** The exit codes that a shell gets. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** A command failed because of a file or the model. */
export class CommandError extends Error {
  readonly exitCode: number = exitCodes.failed
  constructor(message: string, fix: string, cause?: unknown) {
    super(`${message}\n  Do this: ${fix}`, cause === undefined ? undefined : { cause })
  }
}

/** The command line itself is wrong. This is known from its words alone, before any file is opened. */
export class UsageError extends CommandError {
  override readonly exitCode = exitCodes.usage
}

/** Writes one message to stderr that says what went wrong, and returns the exit code. `ONNSIGHT_DEBUG` adds the stack. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message itself. Help and version also arrive here, but are not errors.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  }
  process.stderr.write(`${process.env.ONNSIGHT_DEBUG ? inspect(error) : messageOf(error)}\n`)
  return error instanceof CommandError ? error.exitCode : exitCodes.failed
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError) return error.message
  if (error instanceof OnnsightError) return messageInShell(error)
  const text = error instanceof Error ? error.message : String(error)
  return `${text}\n  Do this: run it again with ONNSIGHT_DEBUG=1 to see where it failed`
}
