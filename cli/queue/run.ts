import { join } from 'node:path'
import { JobQueue } from '../../queue/queue.ts'
import { startWorker } from '../../queue/worker/worker.ts'
import type { LoadOptions } from '../../runtime/index.ts'
import { userCacheFolder } from '../../runtime/onnx/weights-on-disk/cache-folder.ts'
import { print, printJson } from '../shared/print.ts'
import type { QueueFlags, WorkerFlags } from './flags.ts'

/** Runs a worker until it is told to end, by SIGINT or SIGTERM: then the jobs that run end first. */
export async function runWorker(
  { queue, models, concurrency, rate, memory, lock }: WorkerFlags,
  load: LoadOptions,
): Promise<void> {
  const given = { models, concurrency, rate, memory, lockMs: lock === undefined ? undefined : lock * 1000 }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const worker = await startWorker({
    ...known,
    queue,
    modelFolder: join(userCacheFolder(), 'models'),
    load,
    onThreads({ threads, workers }) {
      print(`threads: ${threads}, as ${workers} ${workers === 1 ? 'worker is' : 'workers are'} on this machine`)
    },
    onJob({ kind, id, seconds, error }) {
      print(`${kind} ${id}: ${error ?? `done in ${seconds.toFixed(2)} s`}`)
    },
  })
  const end = (): void => void worker.close()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  if ((await worker.ended) === 'memory')
    process.stderr.write('The worker ends: it takes more memory than --memory allows.\n')
  process.off('SIGINT', end)
  process.off('SIGTERM', end)
  // The connections to a Redis that is away would go on trying.
  setTimeout(() => process.exit(), 500).unref()
}

export async function runQueue(action: string, { queue: address, rate: most, json }: QueueFlags): Promise<void> {
  const queue = await JobQueue.open(address)
  try {
    if (action === 'pause') await queue.pause()
    else if (action === 'resume') await queue.resume()
    else if (action === 'limit') await queue.limit(most)
    else if (action === 'drain') await queue.drain()
    else if (action === 'retry') {
      const jobs = await queue.retry()
      print(`${jobs} ${jobs === 1 ? 'job is' : 'jobs are'} back in the queue`)
    }
    const status = await queue.status()
    const dead = await queue.dead()
    if (json) printJson({ version: 1, ...status, deadLetters: dead })
    else {
      const { waiting, active, delayed, done, workers, paused, rate } = status
      print(
        `${waiting} waiting, ${active} running, ${delayed} to be tried again, ${done} done, ${dead.length} dead; ${workers} ${workers === 1 ? 'worker' : 'workers'}${paused ? '; paused' : ''}${rate === null ? '' : `; at most ${rate} jobs a second`}`,
      )
      for (const { kind, id, attempts, reason } of dead) print(`  ${kind} ${id}, tried ${attempts} times: ${reason}`)
    }
  } finally {
    await queue.close()
  }
}
