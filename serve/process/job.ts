import type { EngineResult } from '../../runtime/engine/engine.ts'
import type { NormalForm } from '../../runtime/graph/normalise.ts'
import type { ReadGraph } from '../../runtime/model/intervention.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import type { TraceableVariant } from '../../runtime/tracing/traceable.ts'
import type { GraphJob, GraphReply, SentDetails } from './messages.ts'

/** A job that was checked. */
export interface Ready {
  readonly index: number
  readonly job: GraphJob
  readonly inputs: ReadonlyMap<string, TensorData>
  readonly variant: TraceableVariant
  readonly graph: ReadGraph
  readonly form: NormalForm
  /** How it would run alone: what it computes of the model is known from that. */
  readonly plan: EngineResult['plan']
}

/** The values of a job, from a run that it may have shared. */
export function replyOf(
  { report }: Pick<EngineResult, 'report'>,
  wanted: readonly TensorData[],
  { graph, plan }: Pick<Ready, 'graph' | 'plan'>,
): GraphReply {
  return { wanted, details: { result: graph.result, ...placesOf(plan), report } }
}

const known = new WeakMap<EngineResult['plan'], Pick<SentDetails, 'executed' | 'tapsBeforeReads'>>()

/** What a plan computes of the model, in a form that is sent fast: there are some hundred nodes, and many requests. */
function placesOf(plan: EngineResult['plan']): Pick<SentDetails, 'executed' | 'tapsBeforeReads'> {
  const places = known.get(plan) ?? {
    executed: Uint32Array.from(plan.executed),
    tapsBeforeReads: [...plan.tapsBeforeReads],
  }
  known.set(plan, places)
  return places
}

/** The longest time that one of them may take. */
export const longest = (jobs: readonly Ready[]): number =>
  Math.max(...jobs.map(({ job }) => job.permission.limits.timeMs ?? Number.POSITIVE_INFINITY))
