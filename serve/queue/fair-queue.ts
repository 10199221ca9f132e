import { setTimeout as wait } from 'node:timers/promises'
import { RefusedError } from '../../runtime/errors/serve.ts'

/** A server that can take no more for now: another one may, or this one later. */
export class BusyError extends RefusedError {}

/** A job that waits. */
interface Waiting<J, R> {
  readonly id: string
  readonly user: string
  /** Jobs with the same may share a run. */
  readonly group: string
  readonly job: J
  readonly since: number
  readonly signal: AbortSignal
  readonly done: (result: R) => void
  readonly failed: (error: unknown) => void
}

/** One run of several jobs. */
export interface Batch<J> {
  readonly group: string
  readonly jobs: readonly J[]
  /** Aborted when nobody waits for any of the jobs. */
  readonly signal: AbortSignal
}

export interface QueueOptions<J, R> {
  run(batch: Batch<J>): Promise<readonly R[]>
  readonly maxBatch: number
  readonly maxWaiting: number
  /** How long the first job waits for others. After a run that several shared, they get a part of its time to ask again. */
  readonly gatherMs: number
  readonly onBatch?: (size: number, ms: number) => void
}

/** Where a job stands. */
export interface Place {
  readonly id: string
  /** How many jobs come before it; 0 for the next. */
  readonly place: number
  /** An estimate, from how long the last runs took. */
  readonly estimateMs: number
}

/**
 * Runs jobs one batch at a time. Who has used the least time comes first, so that many requests of one user do not keep the others waiting.
 */
export class FairQueue<J, R> {
  readonly #options: QueueOptions<J, R>
  readonly #waiting: Waiting<J, R>[] = []
  /** Milliseconds that each user's jobs took. */
  readonly #used = new Map<string, number>()
  #running = false
  /** Milliseconds that a job took lately. */
  #usualMs = 20
  /** Called when a job begins to wait. */
  #onWaiting: () => void = () => undefined
  #drained: (() => void)[] = []

  constructor(options: QueueOptions<J, R>) {
    this.#options = options
  }

  get length(): number {
    return this.#waiting.length
  }

  /** @throws BusyError if too many wait; the signal's reason if it is aborted first */
  add(id: string, user: string, group: string, job: J, signal: AbortSignal): Promise<R> {
    if (this.#waiting.length >= this.#options.maxWaiting)
      return Promise.reject(new BusyError(`${this.#waiting.length} requests wait already.`, 'try again later'))
    return new Promise<R>((done, failed) => {
      const waiting: Waiting<J, R> = { id, user, group, job, since: performance.now(), signal, done, failed }
      this.#welcome(user)
      this.#waiting.push(waiting)
      signal.addEventListener('abort', () => this.#leave(waiting), { once: true })
      this.#onWaiting()
      this.#start()
    })
  }

  /** The jobs that wait, in their order. */
  waiting(): (Place & { readonly user: string })[] {
    return this.#inOrder().map(({ id, user }, place) => {
      return { id, user, place, estimateMs: Math.round((place + 1) * this.#usualMs) }
    })
  }

  /** Fulfilled when nothing waits or runs. */
  idle(): Promise<void> {
    if (!this.#running && this.#waiting.length === 0) return Promise.resolve()
    return new Promise(resolve => this.#drained.push(resolve))
  }

  /** Who was away does not come before all others for the time in which nothing was asked. */
  #welcome(user: string): void {
    if (this.#waiting.some(other => other.user === user)) return
    const others = [...new Set(this.#waiting.map(other => other.user))].map(other => this.#used.get(other) ?? 0)
    if (others.length > 0) this.#used.set(user, Math.max(this.#used.get(user) ?? 0, Math.min(...others)))
  }

  #leave(waiting: Waiting<J, R>): void {
    const at = this.#waiting.indexOf(waiting)
    if (at >= 0) this.#waiting.splice(at, 1)
    waiting.failed(waiting.signal.reason)
  }

  /** One job of each user in turn, those first who used the least. */
  #inOrder(): Waiting<J, R>[] {
    const turns = new Map<string, number>()
    const keyed = this.#waiting.map(waiting => {
      const turn = turns.get(waiting.user) ?? 0
      turns.set(waiting.user, turn + 1)
      return { waiting, at: (this.#used.get(waiting.user) ?? 0) + turn * this.#usualMs }
    })
    return keyed.sort((a, b) => a.at - b.at || a.waiting.since - b.waiting.since).map(({ waiting }) => waiting)
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    void this.#work()
  }

  async #work(): Promise<void> {
    await wait(this.#options.gatherMs)
    while (this.#waiting.length > 0) await this.#gatherAfter(await this.#runNext())
    this.#running = false
    for (const drained of this.#drained.splice(0)) drained()
  }

  /** Waits a part of a run's time for those who had their answers from it, so that they run with those who came meanwhile. */
  async #gatherAfter({ size, ms }: { readonly size: number; readonly ms: number }): Promise<void> {
    const enough = Math.min(this.#options.maxBatch, this.#waiting.length + size)
    const most = Math.min(ms * GATHERED_SHARE, MOST_GATHERED_MS)
    if (size === 1 || most < 1 || this.#waiting.length >= enough) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, most)
      this.#onWaiting = () => {
        if (this.#waiting.length < enough) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#onWaiting = () => undefined
  }

  /** Runs a batch, and tells how many jobs it had and how long they took. */
  async #runNext(): Promise<{ readonly size: number; readonly ms: number }> {
    const order = this.#inOrder()
    const [{ group }] = order
    const batch = order.filter(waiting => waiting.group === group).slice(0, this.#options.maxBatch)
    for (const waiting of batch) this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
    const controller = new AbortController()
    const noteLeaving = (): void => {
      if (batch.every(({ signal }) => signal.aborted)) controller.abort(batch[0].signal.reason)
    }
    for (const { signal } of batch) signal.addEventListener('abort', noteLeaving, { once: true })
    const start = performance.now()
    try {
      const results = await this.#options.run({ group, jobs: batch.map(({ job }) => job), signal: controller.signal })
      for (const [i, { done }] of batch.entries()) done(results[i])
    } catch (error) {
      for (const { failed } of batch) failed(error)
    }
    const ms = performance.now() - start
    this.#usualMs = 0.8 * this.#usualMs + (0.2 * ms) / batch.length
    for (const { user } of batch) this.#used.set(user, (this.#used.get(user) ?? 0) + ms / batch.length)
    this.#forgetEqual()
    this.#options.onBatch?.(batch.length, ms)
    return { size: batch.length, ms }
  }

  /** Keeps the map as small as the number of users who were here lately. */
  #forgetEqual(): void {
    if (this.#used.size <= MAX_USERS) return
    const oldest = [...this.#used.keys()].slice(0, this.#used.size - MAX_USERS)
    for (const user of oldest) this.#used.delete(user)
  }
}

const MAX_USERS = 10_000
/** The part of a run's time that the queue waits after it at most, and the most milliseconds. */
const GATHERED_SHARE = 0.1
const MOST_GATHERED_MS = 50
