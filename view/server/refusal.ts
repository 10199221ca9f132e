import { CommandError } from '../../cli/shared/errors.ts'
import { codeFrame, OnnsightError } from '../../runtime/errors/error.ts'
import type { SentError } from '../protocol/api.ts'

/** An error that refuses a request with an HTTP status. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly fix: string
  constructor(status: number, code: string, message: string, fix: string) {
    super(message)
    this.status = status
    this.code = code
    this.fix = fix
  }
}

/** Refuses a request whose JSON does not have the expected form. */
export const unreadable = (message: string, fix: string): Refusal => new Refusal(400, 'view-request', message, fix)

/** Converts an error to JSON for the page. The request is to blame for an error of onnsight (4xx), the server for any other (5xx). */
export function sentError(error: unknown): { status: number; body: SentError } {
  if (error instanceof Refusal) {
    const { status, code, message, fix } = error
    return { status, body: { code, message, fix } }
  }
  if (error instanceof OnnsightError) {
    const { code, fix, at } = error
    const frame = at && codeFrame(at)
    return {
      status: 422,
      body: {
        code,
        message: withoutDetails(error.message, at?.file),
        ...(fix ? { fix } : {}),
        ...(at && frame?.length ? { frame: { text: frame.join('\n'), line: at.line, column: at.column } } : {}),
      },
    }
  }
  if (error instanceof CommandError) {
    const [, fix = ''] = error.message.split('\n  Do this: ')
    return { status: 422, body: { code: 'view-input', message: withoutDetails(error.message), fix } }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    status: 500,
    body: {
      code: 'view-failed',
      message,
      fix: 'try again; if it happens again, start the command with ONNSIGHT_DEBUG=1',
    },
  }
}

/** The message without place, code frame and fix, which are sent in fields of their own. */
function withoutDetails(message: string, file?: string): string {
  const upToPlace = file === undefined ? message : message.split(`\n  ${file}:`)[0]
  return upToPlace.split('\n  Do this: ')[0]
}
