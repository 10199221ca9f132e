import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { runRead } from '../../runtime/model/intervention.ts'
import { sizeOf, type TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import type { Traceable } from '../../runtime/tracing/traceable.ts'
import { longest, type Ready, replyOf } from './job.ts'
import type { GraphReply } from './messages.ts'
import { dimsKey, modelRows } from './model-rows.ts'
import { stackRecordings } from './stack-recordings.ts'
import type { Layout } from './stacked.ts'

/** Kinds of jobs that ran as one before: then one such job alone takes the same plan, so that no further sessions are made for it. */
const stackedBefore = new LRUCache<string, true>({ max: 512 })

/**
 * A text that is equal only for jobs that differ in their inputs' values and in numbers that are no indices: one plan computes all of them at
 * once.
 */
export function kindOf({ form, graph, inputs }: Ready): string {
  const indices = form.operands.map(data => (/int/.test(data.type) ? hashOf(data) : `${data.type}[${data.dims}]`))
  return [form.key, graph.statedTypes, dimsKey(inputs), ...indices].join('\n')
}

const hashOf = ({ type, dims, data }: TensorData): string =>
  `${type}[${dims}]${createHash('sha256')
    .update(
      ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : JSON.stringify(data),
    )
    .digest('base64')}`

/** Runs jobs of one kind at once. @returns undefined if they can't */
export async function runStacked(
  model: Traceable,
  kind: string,
  jobs: readonly Ready[],
  signal: AbortSignal,
): Promise<readonly GraphReply[] | undefined> {
  if (jobs.length === 1 && !stackedBefore.has(kind)) return undefined
  const [{ variant, graph }] = jobs
  const known = await modelRows(model, jobs[0])
  const batch =
    known &&
    joinInputs(
      model.inputs,
      jobs.map(({ inputs }) => inputs),
    )
  if (!batch) return undefined
  const { rows, alone, twice } = known
  const stacked = stackRecordings(
    jobs.map(({ graph: { recording }, form }) => ({ recording, form })),
    rows,
    alone,
    twice,
  )
  if (!stacked) return undefined
  try {
    const { recording, layouts } = stacked
    const stackedGraph = { recording, statedTypes: `stacked ${graph.statedTypes}`, result: null }
    const limits = { timeMs: longest(jobs) }
    const ran = await runRead(stackedGraph, variant, batch.stack(), { signal, limits, inputsComeOnce: jobs.length > 1 })
    const replies = jobs.map((job, i) =>
      replyOf(
        ran,
        ran.wanted.map((data, k) => partOf(data, layouts[k], i, jobs.length)),
        job,
      ),
    )
    stackedBefore.set(kind, true)
    return replies
  } catch {
    // Alone, each gets its own error, or its values.
    return undefined
  }
}

/** What belongs to one job of a value of all. */
function partOf({ type, dims, data }: TensorData, layout: Layout, job: number, jobs: number): TensorData {
  if (layout === 'same') return { type, dims, data }
  const [first = 0, ...rest] = dims
  const own = layout === 'rows' ? [first / jobs, ...rest] : rest
  const length = sizeOf(own)
  if (first % jobs !== 0 || (layout === 'front' && first !== jobs) || data.length !== length * jobs)
    throw new Error('A value of several jobs has not a part for each.')
  return { type, dims: own, data: data.slice(job * length, (job + 1) * length) as TensorData['data'] }
}
