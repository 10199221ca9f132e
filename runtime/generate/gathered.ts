import type { SourcePosition } from '../errors/error.ts'
import { StepError } from '../errors/generate.ts'
import type { Mark } from '../graph/expression.ts'
import { save } from '../tracing/save.ts'
import { isChosen, type Selection, type Steps, selectionOf } from './selection.ts'

/** The results that one iter() or all() of a block has gathered, step by step. */
class Gathered {
  /** The array that iter() or all() returned to the user. Each step adds its result to it. */
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

  /** @throws StepError if a named step did not run, or did not call the form */
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

/** One call of iter() or all(). */
interface GatherCall {
  readonly form: string
  readonly steps: Steps
  /** The step in which it is called. */
  readonly step: number
  readonly mark: Mark | undefined
}

/** The results that all calls of iter() and all() in a block have gathered. */
export class GatheredCalls {
  readonly #gathered = new Map<string, Gathered>()
  /** How often each line has run in this step. */
  readonly #called = new Map<string, number>()

  beginStep(): void {
    this.#called.clear()
  }

  /** Runs `body` if the call chooses this step. Returns the results of all steps so far. @throws StepError if `steps` is no choice of steps */
  gather(call: GatherCall, body: () => unknown): unknown {
    const selection = selectionOf(call.steps)
    const gathered = this.#at(call, selection)
    const isAsync = (body as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'AsyncFunction'
    if (!isChosen(selection, call.step)) return isAsync ? Promise.resolve(gathered.results) : gathered.results
    const put = (value: unknown): unknown[] => {
      gathered.put(call.step, save(value))
      return gathered.results
    }
    const value = body()
    return value instanceof Promise ? value.then(put) : put(value)
  }

  /** Finds what the same call has gathered in earlier steps. A call is known by its line, and by how often the line has run in this step. */
  #at({ form, mark }: GatherCall, selection: Selection): Gathered {
    const place = `${form} ${mark?.label()}`
    const nth = this.#called.get(place) ?? 0
    this.#called.set(place, nth + 1)
    const key = `${place} ${nth}`
    let gathered = this.#gathered.get(key)
    if (!gathered) {
      gathered = new Gathered(form, selection, mark?.position())
      this.#gathered.set(key, gathered)
    }
    return gathered
  }

  /** @throws StepError if a named step did not run, or did not call the form */
  assertComplete(steps: number): void {
    for (const gathered of this.#gathered.values()) gathered.assertComplete(steps)
  }
}
