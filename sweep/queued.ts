import { createHash } from 'node:crypto'
import { follow } from '../queue/follow.ts'
import type { Job } from '../queue/jobs.ts'
import { JobQueue } from '../queue/queue.ts'
import type { LoadedModel } from '../runtime/model/loaded/loaded-model.ts'
import { asTraceable } from '../runtime/tracing/traceable.ts'
import type { FoundRow, KeptRows } from './kept.ts'
import type { SweepOptions } from './options.ts'
import type { PointJob, PointResult } from './queued-point.ts'
import { errorText, type Made, recordPoint } from './record.ts'
import { type Grid, type PointOf, pointsOf } from './rows/points.ts'
import type { SweepRow } from './rows/row.ts'

/** The job of a point, with what its row needs. */
interface PointAsJob extends Job<PointJob> {
  readonly index: number
  readonly point: Readonly<Record<string, unknown>>
}

/** The rows of the points, as workers finish them. Points are recorded here, so workers get graphs and nothing else. */
export async function* queuedRows<G extends Grid>(
  options: SweepOptions<G>,
  kept: KeptRows,
  made: Made,
): AsyncGenerator<FoundRow> {
  const queue = await JobQueue.open(options.queue!)
  /** Rows that need no worker, to be given between those of workers. */
  const here: FoundRow[] = []
  const followed = follow(queue, jobsOf(options, kept, made, queue, here), {
    signal: options.signal,
    priority: options.priority,
    attempts: options.attempts,
  })
  try {
    for await (const { job, end } of followed) {
      yield* here.splice(0)
      const { index, point } = job
      const run = { ...made, graph: job.data.graph }
      if (end.state === 'dead')
        yield { row: { index, point, values: {}, error: end.reason, seconds: 0, run }, isNew: true }
      else {
        const { values, seconds } = end.value as PointResult
        const numbers = Object.entries(values).map(([name, value]) => [name, Number(value)] as const)
        yield { row: { index, point, values: Object.fromEntries(numbers), seconds, run }, isNew: true }
      }
    }
    yield* here.splice(0)
  } finally {
    await followed.return(undefined)
    await queue.close()
  }
}

async function* jobsOf<G extends Grid>(
  options: SweepOptions<G>,
  kept: KeptRows,
  made: Made,
  queue: JobQueue,
  here: FoundRow[],
): AsyncGenerator<PointAsJob> {
  const source = (asTraceable(options.model, 'sweep').identity as LoadedModel).source.path
  let index = -1
  for await (const one of pointsOf(options.over)) {
    index++
    const point = one as PointOf<G>
    const before = await kept.at(options, point, index)
    if (before) {
      here.push({ row: before, isNew: false })
      continue
    }
    const start = performance.now()
    try {
      const graph = await recordPoint(options, point)
      const id = createHash('sha256')
        .update(JSON.stringify([made.model, index, graph]))
        .digest('hex')
        .slice(0, 32)
      if (options.retry) await queue.remove(id)
      yield { id, kind: 'point', data: { model: { sha256: made.model, source }, graph }, index, point }
    } catch (error) {
      const row: SweepRow = {
        index,
        point,
        values: {},
        error: errorText(error),
        seconds: (performance.now() - start) / 1000,
      }
      here.push({ row, isNew: true })
    }
  }
}
