import { type Scope, variableScope } from '../../graph/scope.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Enclosing } from '../values/inner-values.ts'

/** The part of a session that its traces use. */
export interface Session extends Enclosing {
  readonly finished: boolean
  /** The session around this one, which is current again while this one waits. */
  readonly caller: Session | undefined
  save(tensor: Tensor): void
}

let current: Scope<Session> = variableScope()

export function sessionScope(): Scope<Session> {
  return current
}

/** Sets the scope. Each platform's entry point calls this once. */
export function useSessionScope(scope: Scope<Session>): void {
  current = scope
}

/** Returns the session that the code runs in. */
export function currentSession(): Session | undefined {
  const session = current.get()
  return session && !session.finished ? session : undefined
}
