import type { LinkPlan } from '../linker/plan.ts'
import { afterRun } from '../sessions/after-run.ts'
import type { SessionCache } from '../sessions/sessions.ts'
import type { StepReport } from './report.ts'

/**
 * After this many runs, the blocks of a split group get a session together. It is less than the number of runs after which each block's
 * weights would be packed.
 */
const JOIN_AFTER = 24

/**
 * A plan, which may change when it runs often. An edit splits its group into one session for each block, which further edits share. For one
 * edit that runs again and again, these are more sessions than needed, and starting a session's threads takes some tenths of a millisecond.
 * So they are joined after some runs. If the same inputs come again, their values are kept at the blocks' edges, and the blocks stay apart.
 */
export class Planned {
  readonly #splitPlan: LinkPlan
  readonly #sessions: SessionCache
  #joinedPlan: LinkPlan | undefined
  /** The keys of the sessions that the joined plan adds. */
  #joinedKeys: readonly string[] = []
  /** The number of runs so far; undefined if the plan stays as it is. */
  #runs: number | undefined

  constructor(plan: LinkPlan, sessions: SessionCache) {
    this.#splitPlan = plan
    this.#sessions = sessions
    this.#runs = plan.isSplit ? 0 : undefined
  }

  /** The plan to run now. */
  get plan(): LinkPlan {
    // If a session was evicted, it is not created again during a run, as that would cost more than it saves.
    if (!this.#joinedKeys.every(key => this.#sessions.has(key))) this.#leave()
    return this.#joinedPlan ?? this.#splitPlan
  }

  /** Notes what a run did. `join` links the same recording with split groups joined. */
  ran(steps: readonly StepReport[], join: () => LinkPlan): void {
    if (this.#runs === undefined && this.#joinedPlan === undefined) return
    if (steps.some(({ kind }) => kind === 'reused')) {
      this.#leave()
      if (this.#runs !== undefined) this.#runs = 0
    } else if (this.#runs !== undefined && ++this.#runs === JOIN_AFTER) {
      this.#runs = undefined
      afterRun(() => this.#join(join()))
    }
  }

  #leave(): void {
    this.#joinedPlan = undefined
    this.#joinedKeys = []
  }

  async #join(plan: LinkPlan): Promise<void> {
    const known = new Set(this.#splitPlan.steps.map(({ key }) => key))
    const added = plan.steps.filter(({ key, rebuild }) => rebuild && !known.has(key))
    for (const { key, nodeCount, rebuild } of added)
      if (!(await this.#sessions.prepare({ key, nodeCount, ...rebuild! }))) return
    this.#joinedPlan = plan
    this.#joinedKeys = added.map(({ key }) => key)
  }
}
