import type * as BullMQ from 'bullmq'
import { addressOf, bullmq, connectionTo } from './bullmq.ts'
import type { Job, JobState } from './jobs.ts'
import { windowOf } from './rate.ts'

/** How often a job is tried before it is dead, if the caller does not say. */
const ATTEMPTS = 3
/** How long what jobs gave is kept for those who wait for it, in seconds. */
const KEPT = 7 * 24 * 3600

/** Options of jobs. */
export interface AddOptions {
  /** How often a job is tried. @default 3 */
  readonly attempts?: number | undefined
  /** Jobs of a smaller number come first; those without one before all. */
  readonly priority?: number | undefined
}

/** How many jobs there are, by where they are. */
export interface QueueStatus {
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly done: number
  readonly dead: number
  readonly workers: number
  readonly paused: boolean
  /** The most jobs that all workers together start in a second; null without a limit. */
  readonly rate: number | null
}

/** A queue of jobs in Redis, by BullMQ: whatever reads BullMQ’s queues, reads this one. */
export class JobQueue {
  readonly #queue: BullMQ.Queue
  readonly #library: typeof BullMQ

  private constructor(queue: BullMQ.Queue, library: typeof BullMQ) {
    this.#queue = queue
    this.#library = library
    // A queue that is not heard is an uncaught error; commands wait until Redis is back.
    queue.on('error', () => undefined)
  }

  /** @throws QueueError, MissingPackageError */
  static async open(address: string): Promise<JobQueue> {
    const to = addressOf(address)
    const library = await bullmq()
    return new JobQueue(new library.Queue(to.name, { connection: connectionTo(to) }), library)
  }

  /** Adds a job. One of the same id that is there, in any state, stays as it is. */
  async add<D>({ id, kind, data }: Job<D>, { attempts = ATTEMPTS, priority }: AddOptions = {}): Promise<void> {
    await this.#queue.add(kind, data, {
      jobId: id,
      attempts,
      backoff: { type: 'exponential', delay: 500 },
      removeOnComplete: { age: KEPT },
      removeOnFail: false,
      ...(priority === undefined ? {} : { priority }),
    })
  }

  /** Where a job is. */
  async state(id: string): Promise<JobState> {
    // The state first: a job that ends between the two looks would be done without what it gave.
    const state = await this.#queue.getJobState(id)
    const job = await this.#library.Job.fromId(this.#queue, id)
    if (!job) return { state: 'missing' }
    if (state === 'completed') return { state: 'done', value: job.returnvalue as unknown }
    if (state === 'failed') return { state: 'dead', reason: job.failedReason }
    if (state === 'unknown') return { state: 'missing' }
    return { state: state === 'active' ? 'active' : 'waiting' }
  }

  async remove(id: string): Promise<void> {
    await this.#queue.remove(id)
  }

  /** The number of workers that are connected. */
  async workers(): Promise<number> {
    return (await this.#queue.getWorkers()).length
  }

  /** The number of workers that are connected and have this name; 0 where Redis does not say. */
  async workersNamed(name: string): Promise<number> {
    const all = await this.#queue.getWorkers()
    return all.filter(worker => worker.rawname?.endsWith(`:w:${name}`)).length
  }

  async status(): Promise<QueueStatus> {
    const limit = await this.#queue.getGlobalRateLimit()
    const counts = await this.#queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'completed', 'failed')
    return {
      waiting: (counts.wait ?? 0) + (counts.prioritized ?? 0),
      active: counts.active ?? 0,
      delayed: counts.delayed ?? 0,
      done: counts.completed ?? 0,
      dead: counts.failed ?? 0,
      workers: await this.workers(),
      paused: await this.#queue.isPaused(),
      rate: limit ? (1000 * limit.max) / limit.duration : null,
    }
  }

  /** The dead letters: jobs that failed as often as they may. */
  async dead(): Promise<
    { readonly id: string; readonly kind: string; readonly attempts: number; readonly reason: string }[]
  > {
    const jobs = await this.#queue.getFailed()
    return jobs.map(({ id, name, attemptsMade, failedReason }) => ({
      id: id ?? '',
      kind: name,
      attempts: attemptsMade,
      reason: failedReason,
    }))
  }

  /** Puts dead letters back into the queue, all or those of these ids. Returns how many. */
  async retry(ids?: readonly string[]): Promise<number> {
    const jobs = (await this.#queue.getFailed()).filter(({ id }) => ids === undefined || ids.includes(id ?? ''))
    for (const job of jobs) await job.retry('failed', { resetAttemptsMade: true })
    return jobs.length
  }

  /** Workers take no more jobs until `resume()`. */
  async pause(): Promise<void> {
    await this.#queue.pause()
  }

  async resume(): Promise<void> {
    await this.#queue.resume()
  }

  /** Lets all workers together start at most so many jobs in a second, from now on; without a number as many as they can. */
  async limit(rate?: number): Promise<void> {
    if (rate === undefined) return void (await this.#queue.removeGlobalRateLimit())
    const { max, duration } = windowOf(rate)
    await this.#queue.setGlobalRateLimit(max, duration)
  }

  /** Removes all jobs that wait. Those that run end as they would. */
  async drain(): Promise<void> {
    await this.#queue.drain(true)
  }

  async close(): Promise<void> {
    await this.#queue.close()
  }
}
