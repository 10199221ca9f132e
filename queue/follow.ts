import { setTimeout as wait } from 'node:timers/promises'
import type { Job, JobState } from './jobs.ts'
import type { AddOptions, JobQueue } from './queue.ts'

export interface FollowOptions extends AddOptions {
  /** The most jobs that are in the queue at once. @default 64, or two for each worker if that is more */
  readonly ahead?: number | undefined
  /** How often jobs are looked at, in milliseconds. @default 500 */
  readonly everyMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Puts jobs into a queue, a bounded number at a time, and gives each when it has ended: done or dead. A job that the queue has lost is put
 * in again, so each ends exactly once here, whatever happens to workers and to Redis.
 */
export async function* follow<J extends Job>(
  queue: JobQueue,
  jobs: AsyncIterable<J> | Iterable<J>,
  { ahead, everyMs = 500, signal, ...options }: FollowOptions,
): AsyncGenerator<{ readonly job: J; readonly end: Extract<JobState, { state: 'done' | 'dead' }> }> {
  const pending = new Map<string, J>()
  const iterator = Symbol.asyncIterator in jobs ? jobs[Symbol.asyncIterator]() : jobs[Symbol.iterator]()
  let isOver = false
  try {
    while (!isOver || pending.size > 0) {
      const most = ahead ?? Math.max(64, 2 * (await queue.workers()))
      while (!isOver && pending.size < most) {
        signal?.throwIfAborted()
        const next = await iterator.next()
        if (next.done) isOver = true
        else {
          await queue.add(next.value, options)
          pending.set(next.value.id, next.value)
        }
      }
      let ended = 0
      for (const [id, job] of pending) {
        const end = await queue.state(id)
        if (end.state === 'missing') await queue.add(job, options)
        if (end.state !== 'done' && end.state !== 'dead') continue
        pending.delete(id)
        ended++
        yield { job, end }
      }
      if (ended === 0 && pending.size > 0) await wait(everyMs, undefined, signal ? { signal } : {})
    }
  } finally {
    // A caller that goes away early leaves no jobs behind that nobody waits for; those that run end as they would.
    for (const id of pending.keys()) await queue.remove(id).catch(() => undefined)
  }
}
