import { sentError } from '../../runtime/child-process/answer-requests.ts'
import type { Engine } from '../../runtime/engine/engine.ts'
import { normalise } from '../../runtime/graph/normalise.ts'
import { graphInputs, readGraph, runRead } from '../../runtime/model/intervention.ts'
import type { Traceable } from '../../runtime/tracing/traceable.ts'
import { Costs } from './costs.ts'
import { type Ready, replyOf } from './job.ts'
import type { GraphJob, GraphReply } from './messages.ts'
import { checkPlaces } from './places.ts'
import { runMerged } from './run-merged.ts'
import { kindOf, runStacked } from './run-stacked.ts'

/**
 * Runs graphs, together where they can share a run: those that differ in inputs and numbers alone as one, others as parts of a batch. One that fails
 * does not disturb the others.
 */
export async function runGraphs(
  model: Traceable,
  jobs: readonly GraphJob[],
  signal: AbortSignal,
): Promise<readonly GraphReply[]> {
  const replies: GraphReply[] = []
  const kinds = new Map<string, Ready[]>()
  for (const [index, job] of jobs.entries()) {
    try {
      const ready = await check(model, index, job)
      const kind = kindOf(ready)
      kinds.set(kind, [...(kinds.get(kind) ?? []), ready])
    } catch (error) {
      replies[index] = { error: sentError(error) }
    }
  }
  const note = (ready: readonly Ready[], all: readonly GraphReply[]): void =>
    ready.forEach(({ index }, i) => {
      replies[index] = all[i]
    })
  const rest: { readonly kind: string; readonly ready: Ready }[] = []
  for (const [kind, ready] of kinds) {
    const all = await runStacked(model, kind, ready, signal)
    if (all) note(ready, all)
    else rest.push(...ready.map(one => ({ kind, ready: one })))
  }
  for (const part of groups(rest)) {
    const ready = part.map(one => one.ready)
    const costs = costsOf(ready[0].variant.engine)
    const isOne = ready.every(({ variant }) => variant === ready[0].variant)
    const shared =
      ready.length > 1 && isOne
        ? await runMerged(
            model,
            ready,
            part.map(({ kind }) => kind),
            costs,
            signal,
          )
        : undefined
    if (shared) note(ready, shared)
    else for (const one of ready) replies[one.index] = await runAlone(one, costs, signal)
  }
  return replies
}

async function check(model: Traceable, index: number, job: GraphJob): Promise<Ready> {
  const inputs = model.prepare(graphInputs(job.graph))
  const variant = await model.variant(inputs)
  const graph = readGraph(job.graph, variant, job.permission.limits)
  checkPlaces(graph.recording, variant.engine.program, job.permission)
  const { recording, statedTypes: untrustedTypes } = graph
  // What a batch runs is made of what was checked.
  const plan = await variant.engine.checkLimits(job.permission.limits, { recording, inputs, untrustedTypes })
  return { index, job, inputs, variant, graph, form: normalise(recording), plan }
}

interface OfKind {
  readonly kind: string
  readonly ready: Ready
}

/** Jobs of one kind in numbers of powers of two, so that few groups are to be linked; and those that are the only ones of their kind together. */
function groups(jobs: readonly OfKind[]): readonly (readonly OfKind[])[] {
  const byKind = new Map<string, OfKind[]>()
  for (const one of jobs) byKind.set(one.kind, [...(byKind.get(one.kind) ?? []), one])
  const parts: OfKind[][] = []
  const single: OfKind[] = []
  for (const kind of [...byKind.keys()].sort()) {
    const own = byKind.get(kind)!
    while (own.length > 1) parts.push(own.splice(0, 2 ** Math.floor(Math.log2(own.length))))
    single.push(...own)
  }
  if (single.length > 0) parts.push(single)
  return parts
}

async function runAlone(
  { job, inputs, variant, graph, plan }: Ready,
  costs: Costs,
  signal: AbortSignal,
): Promise<GraphReply> {
  try {
    const start = performance.now()
    const ran = await runRead(graph, variant, inputs, { signal, limits: job.permission.limits })
    if (ran.report.steps.every(({ createMs }) => createMs === undefined)) costs.alone(performance.now() - start)
    return replyOf(ran, ran.wanted, { graph, plan })
  } catch (error) {
    return { error: sentError(error) }
  }
}

const allCosts = new WeakMap<Engine, Costs>()

function costsOf(engine: Engine): Costs {
  const costs = allCosts.get(engine) ?? new Costs()
  allCosts.set(engine, costs)
  return costs
}
