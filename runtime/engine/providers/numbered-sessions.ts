import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { Session, SessionValue } from '../sessions/provider.ts'

/** A request about a session that another process or a page has. */
export type NumberedRequest =
  | {
      readonly kind: 'run'
      readonly session: number
      readonly feeds: Readonly<Record<string, TensorData>>
      readonly fetches: readonly string[]
    }
  | { readonly kind: 'release'; readonly session: number }

/** The answer to a request that creates a session. */
export interface CreatedSession {
  readonly session: number
  readonly outputs: readonly SessionValue[]
}

/** The sessions of a process or a page, by the numbers that its requests name. */
export class NumberedSessions {
  readonly #sessions = new Map<number, Session>()
  #created = 0

  add(session: Session): CreatedSession {
    const number = this.#created++
    this.#sessions.set(number, session)
    return { session: number, outputs: session.outputs }
  }

  async answer(request: NumberedRequest): Promise<unknown> {
    if (request.kind === 'run') return this.#sessions.get(request.session)!.run(request.feeds, request.fetches)
    await this.#sessions.get(request.session)?.release()
    this.#sessions.delete(request.session)
    return null
  }
}
