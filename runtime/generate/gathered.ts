import type { SourcePosition } from '../errors/error.ts'
import { StepError } from '../errors/generate.ts'
import type { Selection } from './selection.ts'

/** What one iter() or all() of a block has gathered, step by step. */
export class Gathered {
  /** What the user has in hands: it grows as steps come. */
  readonly results: unknown[]
  readonly #form: string
  readonly #selection: Selection
  readonly #at: SourcePosition | undefined
  readonly #finishedSteps = new Set<number>()

  constructor(form: string, selection: Selection, at: SourcePosition | undefined) {
    this.#form = form
    this.#selection = selection
    this.#at = at
    this.results = selection.kind === 'named' ? new Array(selection.steps.length).fill(undefined) : []
  }

  put(step: number, value: unknown): void {
    this.#finishedSteps.add(step)
    if (this.#selection.kind === 'range') this.results.push(value)
    else for (const [i, named] of this.#selection.steps.entries()) if (named === step) this.results[i] = value
  }

  /** @throws StepError for a step that was named and never came */
  assertComplete(steps: number): void {
    if (this.#selection.kind === 'range') return
    const missing = this.#selection.steps.find(step => !this.#finishedSteps.has(step))
    if (missing === undefined) return
    const count = steps === 1 ? 'one step: 0' : `${steps} steps: 0 to ${steps - 1}`
    throw missing >= steps
      ? new StepError(
          `${this.#form}() names step ${missing}, but it did not happen: there ${steps === 1 ? 'was' : 'were'} ${count}.`,
          'raise maxNewTokens, or pass a range, which allows for fewer steps: s`0:10`',
          this.#at,
        )
      : new StepError(
          `${this.#form}() names step ${missing}, but that step did not call it.`,
          'call it in every step: it runs its function only in the steps it names',
          this.#at,
        )
  }
}
