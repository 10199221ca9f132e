import { LRUCache } from 'lru-cache'
import { runRead } from '../../runtime/model/intervention.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import type { Traceable } from '../../runtime/tracing/traceable.ts'
import type { Costs } from './costs.ts'
import { longest, type Ready, replyOf } from './job.ts'
import { mergeRecordings } from './merge-recordings.ts'
import type { GraphReply } from './messages.ts'
import { modelRows } from './model-rows.ts'

/** Groups of kinds that were linked before. */
const linkedBefore = new LRUCache<string, true>({ max: 256 })

/**
 * Runs jobs of different kinds as parts of one batch. Each group of kinds is linked once, which takes longer than small models run: then
 * only groups that were linked before run together.
 * @returns undefined if they can't share a batch, or had better not
 */
export async function runMerged(
  model: Traceable,
  jobs: readonly Ready[],
  kinds: readonly string[],
  costs: Costs,
  signal: AbortSignal,
): Promise<readonly GraphReply[] | undefined> {
  const [{ variant }] = jobs
  const group = kinds.join('\n\n')
  const isLinked = linkedBefore.has(group)
  if (!isLinked && !costs.mayMerge()) return undefined
  const found = await Promise.all(jobs.map(job => modelRows(model, job)))
  const batch = joinInputs(
    model.inputs,
    jobs.map(({ inputs }) => inputs),
  )
  if (!batch || batch.padded.length > 0 || found.includes(undefined)) return undefined
  const inputs = batch.stack()
  const together = await variant.engine.shapes(inputs)
  const recording = mergeRecordings(
    jobs.map(({ graph }, i) => ({ recording: graph.recording, alone: found[i]!.alone, ...batch.shares[i] })),
    together,
  )
  if (!recording) return undefined
  try {
    const start = performance.now()
    const statedTypes = jobs.map(({ graph }) => graph.statedTypes).join()
    const merged = { recording, statedTypes, result: null }
    const ran = await runRead(merged, variant, inputs, {
      signal,
      limits: { timeMs: longest(jobs) },
      inputsComeOnce: true,
    })
    if (!isLinked) costs.merged((performance.now() - start) / jobs.length)
    linkedBefore.set(group, true)
    let at = 0
    return jobs.map(job => {
      const { length } = job.graph.recording.wanted
      const wanted = ran.wanted.slice(at, at + length)
      at += length
      return replyOf(ran, wanted, job)
    })
  } catch {
    // Alone, each gets its own error, or its values.
    return undefined
  }
}
