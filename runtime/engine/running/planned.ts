import type { LinkPlan } from '../linker/plan.ts'
import type { SessionCache } from '../sessions/sessions.ts'
import { soon } from '../sessions/soon.ts'
import type { StepReport } from './report.ts'

/** Runs after which the blocks of a split group get a session together: fewer than those after which each of them would be packed. */
const JOIN_AFTER = 24

/**
 * A plan, and what it becomes when it is run often. An edit splits its group into a session for each block, which further edits share. For
 * one edit that runs again and again they are more than is needed: starting a session's threads costs some tenths of a millisecond. Where
 * the same inputs come again, their values are kept at the blocks' edges, and the blocks stay apart.
 */
export class Planned {
  readonly #apart: LinkPlan
  readonly #sessions: SessionCache
  #together: LinkPlan | undefined
  /** Keys of the sessions that it has together. */
  #joined: readonly string[] = []
  /** Undefined where it stays as it is. */
  #runs: number | undefined

  constructor(plan: LinkPlan, sessions: SessionCache) {
    this.#apart = plan
    this.#sessions = sessions
    this.#runs = plan.isSplit ? 0 : undefined
  }

  /** How it is run now. */
  get plan(): LinkPlan {
    // A session that others have driven out is not made anew in a run: that would cost more than it saves.
    if (!this.#joined.every(key => this.#sessions.has(key))) this.#leave()
    return this.#together ?? this.#apart
  }

  /** Told what a run did. `join` links the same recording with split groups joined. */
  ran(steps: readonly StepReport[], join: () => LinkPlan): void {
    if (this.#runs === undefined && this.#together === undefined) return
    if (steps.some(({ kind }) => kind === 'reused')) {
      this.#leave()
      if (this.#runs !== undefined) this.#runs = 0
    } else if (this.#runs !== undefined && ++this.#runs === JOIN_AFTER) {
      this.#runs = undefined
      soon(() => this.#join(join()))
    }
  }

  #leave(): void {
    this.#together = undefined
    this.#joined = []
  }

  async #join(plan: LinkPlan): Promise<void> {
    const known = new Set(this.#apart.steps.map(({ key }) => key))
    const added = plan.steps.filter(({ key, rebuild }) => rebuild && !known.has(key))
    for (const { key, nodeCount, rebuild } of added)
      if (!(await this.#sessions.prepare({ key, nodeCount, ...rebuild! }))) return
    this.#together = plan
    this.#joined = added.map(({ key }) => key)
  }
}
