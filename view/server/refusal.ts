import { CommandError } from '../../cli/shared/errors.ts'
import { codeFrame, OnnsightError } from '../../runtime/errors/error.ts'
import type { SentError } from '../protocol/api.ts'

/** The server refuses a request, with this HTTP status. */
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

/** The JSON of a request does not have the expected form. */
export const unreadable = (message: string, fix: string): Refusal => new Refusal(400, 'view-request', message, fix)

/** An error as the page receives it. An error that onnsight throws is the request's fault (4xx); any other is ours (5xx). */
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
        message: bare(error.message, at?.file),
        ...(fix ? { fix } : {}),
        ...(at && frame?.length ? { frame: { text: frame.join('\n'), line: at.line, column: at.column } } : {}),
      },
    }
  }
  if (error instanceof CommandError) {
    const [, fix = ''] = error.message.split('\n  Do this: ')
    return { status: 422, body: { code: 'view-input', message: bare(error.message), fix } }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    status: 500,
    body: { code: 'view-failed', message, fix: 'try it again; if it goes on, run the command with ONNSIGHT_DEBUG=1' },
  }
}

/** The message without place, code frame and fix, which are sent in fields of their own. */
function bare(message: string, file?: string): string {
  const upToPlace = file === undefined ? message : message.split(`\n  ${file}:`)[0]
  return upToPlace.split('\n  Do this: ')[0]
}
