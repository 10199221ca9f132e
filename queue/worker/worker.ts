import { setTimeout as wait } from 'node:timers/promises'
import type * as BullMQ from 'bullmq'
import { runShardJob, type ShardJob } from '../../harvest/queued-shard.ts'
import { OnnsightError } from '../../runtime/errors/error.ts'
import { QueueError } from '../../runtime/errors/queue.ts'
import type { LoadOptions } from '../../runtime/model/loaded/load-options.ts'
import { type PointJob, runPointJob } from '../../sweep/queued-point.ts'
import { addressOf, bullmq, connectionTo } from '../bullmq.ts'
import { JobQueue } from '../queue.ts'
import { RateLimit } from '../rate.ts'
import { machineName, threadsOf } from './cores.ts'
import { WorkerModels } from './models.ts'

/** How often a worker looks how many others are on its machine, and at the limit of its queue. */
const LOOK_MS = 3000

/** How long a worker that is told to end waits for an answer of Redis, once no job runs. */
const AWAY_MS = 3000

/** Options of a worker. */
export interface WorkerOptions {
  /** The queue: `redis://host:6379`. */
  readonly queue: string
  /** The .onnx files that it has; others are looked for where a job says. */
  readonly models?: readonly string[]
  /** Where models that are fetched are kept. */
  readonly modelFolder: string
  /** Jobs at once. @default 1: onnxruntime uses all cores for one */
  readonly concurrency?: number
  /** The most jobs that it starts in a second: 0.1 is one in ten seconds. `JobQueue.limit` is that of all workers together. */
  readonly rate?: number
  /** The most bytes of memory: above it, models are freed once no job uses one, and if that is not enough, the worker ends after its jobs. */
  readonly memory?: number
  /** How long a job of a worker that has ended waits before another takes it, in milliseconds; longer than any batch takes. @default 60000 */
  readonly lockMs?: number
  /** How models are loaded. @default for `threads`: the cores divided by the workers of this queue on this machine */
  readonly load?: LoadOptions
  /** Called when the threads for one operator are set, or change with the number of workers on this machine. */
  readonly onThreads?: (share: { readonly threads: number; readonly workers: number }) => void
  /** Called for each job that has ended. */
  readonly onJob?: (job: {
    readonly kind: string
    readonly id: string
    readonly seconds: number
    readonly error?: string
  }) => void
}

/** A worker that runs. */
export interface RunningWorker {
  /** Settles when the worker has ended: closed, or because of its memory. */
  readonly ended: Promise<'closed' | 'memory'>
  /** Ends it after the jobs that run. */
  close(): Promise<void>
}

/** Starts a worker: it takes jobs of harvests and sweeps, which are data, and runs them on models that it finds by hash. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { queue, models: paths = [], concurrency = 1, rate, memory, lockMs = 60_000, onJob, onThreads } = options
  const address = addressOf(queue)
  const library = await bullmq()
  let { threads } = options.load ?? {}
  const models = new WorkerModels(paths, options.modelFolder, () => ({
    ...options.load,
    ...(threads === undefined ? {} : { threads }),
  }))
  const machine = machineName()
  const jobs = await JobQueue.open(queue)
  let looked = Number.NEGATIVE_INFINITY
  /** Shares the cores with the other workers of this machine, as many as there are now. */
  const share = async (): Promise<void> => {
    if (options.load?.threads !== undefined || performance.now() - looked < LOOK_MS) return
    looked = performance.now()
    const workers = await jobs.workersNamed(machine)
    const now = threadsOf(workers)
    if (now === threads) return
    threads = now
    onThreads?.({ threads, workers })
    await models.release()
  }
  let end!: (why: 'closed' | 'memory') => void
  const ended = new Promise<'closed' | 'memory'>(settle => {
    end = settle
  })
  const limit = rate === undefined ? undefined : new RateLimit(rate)
  let resuming: NodeJS.Timeout | undefined
  /** Waits until a job may start. While none may, the worker takes none from the queue, which leaves them to other workers. */
  const keepToRate = async (): Promise<void> => {
    if (!limit) return
    await limit.take()
    const ms = limit.untilFree()
    if (ms === 0 || worker.closing) return
    clearTimeout(resuming)
    resuming = setTimeout(() => void worker.resume(), ms)
    await worker.pause(true)
  }
  let running = 0
  const work = async (job: BullMQ.Job): Promise<unknown> => {
    await keepToRate()
    running++
    const start = performance.now()
    const about = { kind: job.name, id: job.id ?? '' }
    await share()
    try {
      const value = await runJob(job, models)
      onJob?.({ ...about, seconds: (performance.now() - start) / 1000 })
      return value
    } catch (error) {
      const [message] = (error as Error).message.split('\n')
      onJob?.({ ...about, seconds: (performance.now() - start) / 1000, error: message })
      // What is wrong with a job itself is wrong at every try, but another worker may have the model.
      if (error instanceof OnnsightError && !(error instanceof QueueError))
        throw new library.UnrecoverableError(message)
      throw new Error(message)
    } finally {
      running--
    }
  }
  const worker = new library.Worker(address.name, work, {
    connection: connectionTo(address),
    name: machine,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: Math.max(500, lockMs / 2),
    // A worker that is killed is no fault of its job.
    maxStalledCount: 1000,
    // How long until it sees that the limit of the queue has changed.
    maximumRateLimitDelay: LOOK_MS,
  })
  worker.on('error', () => undefined)
  const close = async (why: 'closed' | 'memory'): Promise<void> => {
    clearTimeout(resuming)
    const closed = worker.close().then(async () => {
      await models.release()
      await jobs.close()
      return true
    })
    // A Redis that is away may never be told. The results of jobs are stored, and another worker finds them.
    let isClosed = false
    do isClosed = await Promise.race([closed, wait(AWAY_MS, false, { ref: false })])
    while (!isClosed && running > 0)
    closed.catch(() => undefined)
    end(why)
  }
  if (memory !== undefined)
    worker.on('completed', () => {
      if (process.memoryUsage.rss() <= memory) return
      void models.release().then(() => {
        if (process.memoryUsage.rss() > memory) void close('memory')
      })
    })
  return { ended, close: () => close('closed') }
}

async function runJob(job: BullMQ.Job, models: WorkerModels): Promise<unknown> {
  if (job.name === 'shard') return runShardJob(job.data as ShardJob, (of, run) => models.use(of, run))
  if (job.name === 'point') return runPointJob(job.data as PointJob, (of, run) => models.use(of, run))
  throw new QueueError(`A job is a ${job.name}, which this version does not know.`, 'update the worker')
}
