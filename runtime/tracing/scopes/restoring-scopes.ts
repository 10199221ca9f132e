import { recorderScope } from '../../graph/recorder.ts'
import { listenerScope } from './report-listeners.ts'
import { sessionScope } from './session-scope.ts'

/**
 * Makes the trace and session that were current before a form current again after it, also on platforms without async context: the code
 * that waits for the form continues right then.
 */
export async function restoringScopes<R>(run: () => Promise<R>): Promise<R> {
  const scopes = [recorderScope(), sessionScope(), listenerScope()] as const
  const before = scopes.map(scope => scope.get())
  try {
    return await run()
  } finally {
    for (const [i, scope] of scopes.entries()) (scope as { enter(value: unknown): void }).enter(before[i])
  }
}
