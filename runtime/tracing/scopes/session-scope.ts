import { type Scope, variableScope } from '../../graph/scope.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Enclosing } from '../values/inner-values.ts'

/** What traces need of the session that they stand in. */
export interface Session extends Enclosing {
  readonly finished: boolean
  /** The session around it, which is current again while this one waits. */
  readonly caller: Session | undefined
  save(tensor: Tensor): void
}

let current: Scope<Session> = variableScope()

export function sessionScope(): Scope<Session> {
  return current
}

/** Each platform's entry point chooses the scope once. */
export function useSessionScope(scope: Scope<Session>): void {
  current = scope
}

/** The session that the code runs in. */
export function currentSession(): Session | undefined {
  const session = current.get()
  return session && !session.finished ? session : undefined
}
