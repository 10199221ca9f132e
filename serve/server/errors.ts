import type { FastifyReply } from 'fastify'
import { sentError } from '../../runtime/child-process/answer-requests.ts'
import type { SentError } from '../../runtime/child-process/messages.ts'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { QuotaError } from '../access/quotas.ts'
import { NotAllowedError } from '../access/users.ts'
import { BusyError } from '../queue/fair-queue.ts'

const statuses: Readonly<Record<string, number>> = {
  'graph-limit': 413,
  'graph-time': 504,
  refused: 403,
  serve: 500,
  worker: 503,
  'missing-package': 500,
}

/** Errors of requests themselves, which Fastify throws. */
interface RequestError extends Error {
  readonly statusCode?: number
}

export function statusOf(error: unknown): number {
  if (error instanceof QuotaError) return 429
  if (error instanceof NotAllowedError) return 401
  if (error instanceof BusyError) return 503
  if (error instanceof OnnsightError) return statuses[error.code] ?? 400
  return (error as RequestError).statusCode ?? 500
}

/** Answers with an error in OpenAI's form, with what onnsight adds: the code, the user's line and the code frame. */
export async function sendError(reply: FastifyReply, error: unknown): Promise<FastifyReply> {
  const status = statusOf(error)
  if (error instanceof QuotaError) void reply.header('retry-after', String(error.retryAfter))
  if (error instanceof BusyError) void reply.header('retry-after', '1')
  const sent = error instanceof OnnsightError ? sentError(error) : requestError(error, status)
  return reply.status(status).type('application/json').send(errorBody(sent, status))
}

export function errorBody(sent: SentError, status: number): object {
  const type =
    status === 401
      ? 'authentication_error'
      : status === 429
        ? 'rate_limit_error'
        : status < 500
          ? 'invalid_request_error'
          : 'server_error'
  return { error: { ...sent, type, param: null } }
}

/** What goes wrong within the server is not told to those who use it. */
function requestError(error: unknown, status: number): SentError {
  const message = status < 500 && error instanceof Error ? error.message : 'The server failed. The error is in its log.'
  return { code: 'request', name: 'RequestError', message, fix: undefined, at: undefined }
}

/** An error of the process of a model, with the status that its code has. */
export function statusOfSent({ code }: SentError): number {
  return code === undefined ? 500 : (statuses[code] ?? 400)
}
