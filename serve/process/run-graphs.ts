import { sentError } from '../../runtime/child-process/answer-requests.ts'
import { mixingNode } from '../../runtime/engine/blocks/mixed-rows.ts'
import type { EngineResult } from '../../runtime/engine/engine.ts'
import { graphInputs, type ReadGraph, readGraph, runRead } from '../../runtime/model/intervention.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { joinInputs } from '../../runtime/tracing/invokes/batch.ts'
import type { Traceable, TraceableVariant } from '../../runtime/tracing/traceable.ts'
import { mergeRecordings } from './merge-recordings.ts'
import type { GraphJob, GraphReply } from './messages.ts'
import { checkPlaces } from './places.ts'

/** A job that was checked. */
interface Ready {
  readonly index: number
  readonly job: GraphJob
  readonly inputs: ReadonlyMap<string, TensorData>
  readonly variant: TraceableVariant
  readonly graph: ReadGraph
  /** How it would run alone: what it computes of the model is known from that. */
  readonly plan: EngineResult['plan']
}

/** Runs graphs, as one batch where they can share one. One that fails does not disturb the others. */
export async function runGraphs(
  model: Traceable,
  jobs: readonly GraphJob[],
  signal: AbortSignal,
): Promise<readonly GraphReply[]> {
  const replies: GraphReply[] = []
  const ready: Ready[] = []
  for (const [index, job] of jobs.entries()) {
    try {
      const inputs = model.prepare(graphInputs(job.graph))
      const variant = await model.variant(inputs)
      const graph = readGraph(job.graph, variant, job.permission.limits)
      checkPlaces(graph.recording, variant.engine.program, job.permission)
      const { recording, statedTypes: untrustedTypes } = graph
      // What a batch runs is made of what was checked.
      const plan = await variant.engine.checkLimits(job.permission.limits, { recording, inputs, untrustedTypes })
      ready.push({ index, job, inputs, variant, graph, plan })
    } catch (error) {
      replies[index] = { error: sentError(error) }
    }
  }
  if (ready.length > 1 && (await runTogether(model, ready, replies, signal))) return replies
  for (const one of ready) replies[one.index] = await runAlone(one, signal)
  return replies
}

async function runAlone({ job, inputs, variant, graph, plan }: Ready, signal: AbortSignal): Promise<GraphReply> {
  try {
    const ran = await runRead(graph, variant, inputs, { signal, limits: job.permission.limits })
    return replyOf(ran, ran.wanted, { graph, plan })
  } catch (error) {
    return { error: sentError(error) }
  }
}

/** Runs all as one batch. @returns false if they can't share one; nothing is noted then */
async function runTogether(
  model: Traceable,
  ready: readonly Ready[],
  replies: GraphReply[],
  signal: AbortSignal,
): Promise<boolean> {
  const [{ variant }] = ready
  if (ready.some(one => one.variant !== variant)) return false
  const batch = joinInputs(
    model.inputs,
    ready.map(({ inputs }) => inputs),
  )
  if (!batch || batch.padded.length > 0) return false
  const { engine } = variant
  const inputs = batch.stack()
  const together = await engine.shapes(inputs)
  const alone = new Map<number, Awaited<ReturnType<typeof engine.shapes>>>()
  for (const [i, one] of ready.entries())
    if (!alone.has(batch.shares[i].count)) alone.set(batch.shares[i].count, await engine.shapes(one.inputs))
  const { count } = batch.shares[0]
  if (mixingNode(engine.program.graph, alone.get(count)!, together)) return false
  const recording = mergeRecordings(
    ready.map(({ graph }, i) => ({ recording: graph.recording, ...batch.shares[i] })),
    { alone: rows => alone.get(rows)!, together },
  )
  if (!recording) return false
  try {
    const timeMs = Math.max(...ready.map(({ job }) => job.permission.limits.timeMs ?? Number.POSITIVE_INFINITY))
    const statedTypes = ready.map(({ graph }) => graph.statedTypes).join()
    const ran = await runRead({ recording, statedTypes, result: null }, variant, inputs, { signal, limits: { timeMs } })
    let at = 0
    for (const one of ready) {
      const { length } = one.graph.recording.wanted
      replies[one.index] = replyOf(ran, ran.wanted.slice(at, at + length), one)
      at += length
    }
    return true
  } catch {
    // Alone, each gets its own error, or its values.
    return false
  }
}

function replyOf(
  { report }: EngineResult,
  wanted: readonly TensorData[],
  { graph, plan }: Pick<Ready, 'graph' | 'plan'>,
): GraphReply {
  return {
    wanted,
    details: { result: graph.result, executed: [...plan.executed], tapsBeforeReads: [...plan.tapsBeforeReads], report },
  }
}
