import { OnnsightError } from '../errors/error.ts'
import type { Reply, SentError } from './messages.ts'

/**
 * In a process that an `AnsweringProcess` started: answers its requests. `answer` may send parts before its result.
 * @param release called when the other process has gone: profiles of sessions are written when they are released
 */
export function answerRequests<R extends { readonly id: number }>(
  answer: (request: R, part: (part: unknown) => void) => Promise<unknown>,
  release: () => Promise<void> | undefined = () => undefined,
): void {
  process.on('message', (request: R) => {
    const { id } = request
    answer(request, part => reply({ id, part })).then(
      result => reply({ id, result }),
      (error: unknown) => reply({ id, error: sentError(error) }),
    )
  })
  process.on('disconnect', () => {
    Promise.resolve()
      .then(release)
      .finally(() => process.exit())
      .catch(() => undefined)
  })
}

/** An error as another process can throw it. */
export function sentError(error: unknown): SentError {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const known = error instanceof OnnsightError ? error : undefined
  return { code: known?.code, name, message, fix: known?.fix, at: known?.at }
}

function reply(message: Reply): void {
  // The parent process may have ended.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}
