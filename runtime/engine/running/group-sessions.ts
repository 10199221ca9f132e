import { UseAfterReleaseError } from '../../errors/run.ts'
import type { Program } from '../blocks/program.ts'
import type { Provider, Session } from '../sessions/provider.ts'

interface Entry {
  readonly session: Promise<Session>
  /** Runs in progress. A closed session is released when there are none. */
  users: number
  isClosed: boolean
}

/** The sessions of unedited groups. All are created when the model is loaded; those that were closed, again when a run needs them. */
export class GroupSessions {
  readonly #program: Program
  readonly #provider: Provider
  readonly #name: string
  readonly #entries = new Map<number, Entry>()
  #released = false

  /** @param name the model's name in error messages */
  constructor(program: Program, provider: Provider, name: string) {
    this.#program = program
    this.#provider = provider
    this.#name = name
  }

  /** Creates the session of a group, if there is none. */
  async open(group: number): Promise<void> {
    await this.#entry(group).session
  }

  /** Calls `use` with the session of a group. */
  async use<R>(group: number, use: (session: Session) => Promise<R>): Promise<R> {
    const entry = this.#entry(group)
    entry.users++
    try {
      return await use(await entry.session)
    } finally {
      entry.users--
      if (entry.isClosed && entry.users === 0) await (await entry.session).release()
    }
  }

  /** Releases all sessions, each as soon as no run uses it. They are created again when they are needed. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) {
      entry.isClosed = true
      if (entry.users === 0) await (await entry.session.catch(() => undefined))?.release()
    }
  }

  /** Releases all sessions for good. */
  async release(): Promise<void> {
    this.#released = true
    await this.close()
  }

  #entry(group: number): Entry {
    if (this.#released) throw new UseAfterReleaseError(this.#name)
    const known = this.#entries.get(group)
    if (known) return known
    const model = this.#program.partModel(this.#program.groups[group])
    const session = this.#provider.create(model, { prepack: true, optimize: 'model' })
    const entry: Entry = { session, users: 0, isClosed: false }
    this.#entries.set(group, entry)
    session.catch(() => this.#entries.delete(group))
    return entry
  }
}
