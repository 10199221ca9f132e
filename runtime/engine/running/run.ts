import { GraphTimeError } from '../../errors/graph-limit.ts'
import type { Expression } from '../../graph/expression.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import { noteMade } from '../../tensor/dtypes/made-by-run.ts'
import type { KeptOutput, LinkPlan, Step } from '../linker/plan.ts'
import { operandId } from '../linker/unit.ts'
import type { Session } from '../sessions/provider.ts'
import type { SessionRequest } from '../sessions/sessions.ts'
import type { StepReport } from './report.ts'
import type { ReuseCache } from './reuse.ts'
import { mapRunError } from './run-error.ts'

export interface RunContext {
  /** Calls `use` with the session of an unedited group of blocks. */
  useGroup<R>(group: number, use: (session: Session) => Promise<R>): Promise<R>
  useSession<R>(
    request: SessionRequest,
    use: (session: Session, createMs: number | undefined) => Promise<R>,
  ): Promise<R>
  readonly reuse: ReuseCache
}

export interface RunRequest {
  readonly plan: LinkPlan
  readonly operands: readonly TensorData[]
  /** The recording's expressions, so that an error can name the user's line. */
  readonly order: readonly Expression[]
  readonly inputs: ReadonlyMap<string, TensorData>
  /** Values that are known from an earlier run of the same trace. */
  readonly alreadyComputed: ReadonlyMap<string, TensorData>
  readonly inputsComeOnce: boolean
  readonly signal: AbortSignal | undefined
  /** When the run must have ended, on the clock of `performance.now()`. */
  readonly deadline?: { readonly at: number; readonly limitMs: number } | undefined
  readonly report: StepReport[]
}

/** From so many rebuilt steps on, a run with large values has them give back their memory. */
const MANY_REBUILT = 4
/** What goes into a step is large from so many bytes on: 700 tokens of a model of width 768. */
const LARGE_BYTES = 2 * 1024 * 1024

/** Runs a plan's steps in turn, and checks the signal between them. Returns every value that was not dropped, by id. */
export async function runPlan(context: RunContext, request: RunRequest): Promise<Map<string, TensorData>> {
  const { plan, operands, report, signal, deadline } = request
  const values = new Map<string, TensorData>(request.alreadyComputed)
  for (const [name, data] of request.inputs) values.set(name, data)
  operands.forEach((data, slot) => {
    values.set(operandId(slot), data)
  })
  const reuse =
    !request.inputsComeOnce && context.reuse.enabled && plan.steps.some(step => step.kept)
      ? new Reuse(context.reuse, request)
      : undefined
  const manyRebuilt = plan.steps.filter(({ kind }) => kind === 'rebuilt').length >= MANY_REBUILT
  for (const step of plan.steps) {
    signal?.throwIfAborted()
    if (deadline && performance.now() > deadline.at) throw new GraphTimeError(deadline.limitMs)
    if (reuse && step.kept && reuse.fill(step, step.kept, values)) {
      report.push({ kind: 'reused', label: step.label, nodes: step.nodeCount, createMs: undefined, runMs: 0 })
    } else {
      await runStep(context, request, step, values, manyRebuilt)
      if (reuse && step.kept) reuse.keep(step.kept, values)
    }
    for (const id of step.dropped) values.delete(id)
  }
  // The caller may write into its results, and kept values must not change then.
  for (const id of plan.results) if (reuse?.holds(id)) values.set(id, copyOf(values.get(id)!))
  return values
}

/** The kept values as one run sees them, with the tokens of its inputs. */
class Reuse {
  readonly #cache: ReuseCache
  readonly #tokens = new Map<string, string>()
  readonly #held = new Set<string>()

  constructor(cache: ReuseCache, { inputs }: RunRequest) {
    this.#cache = cache
    for (const [name, data] of inputs) this.#tokens.set(name, cache.tokenOf(name, data))
  }

  /** Adds the outputs of a step to the values if all of them were kept, and returns whether they were. */
  fill(step: Step, kept: readonly KeptOutput[], values: Map<string, TensorData>): boolean {
    const found: [string, TensorData][] = []
    for (const [, id] of step.outputs) {
      const output = kept.find(other => other.id === id)
      const data = output && this.#cache.get(this.#keyOf(output))
      if (!data) return false
      found.push([id, data])
    }
    for (const [id, data] of found) {
      values.set(id, data)
      this.#held.add(id)
    }
    return true
  }

  keep(kept: readonly KeptOutput[], values: ReadonlyMap<string, TensorData>): void {
    for (const output of kept) {
      const data = values.get(output.id)
      if (!data) continue
      this.#cache.put(this.#keyOf(output), data)
      this.#held.add(output.id)
    }
  }

  holds(id: string): boolean {
    return this.#held.has(id)
  }

  #keyOf({ id, origin, from }: KeptOutput): string {
    return `${id} ${origin} ${from.map(name => this.#tokens.get(name)).join()}`
  }
}

async function runStep(
  context: RunContext,
  request: RunRequest,
  step: Step,
  values: Map<string, TensorData>,
  manyRebuilt: boolean,
): Promise<void> {
  const feeds: Record<string, TensorData> = {}
  for (const [name, id] of step.inputs) {
    const data = values.get(id)
    if (!data) throw new Error(`The plan reads ${id} before it is made.`)
    feeds[name] = data
  }
  const fetches = step.outputs.map(([name]) => name)
  let runMs = 0
  const run = async (session: Session, createMs: number | undefined): Promise<void> => {
    const start = performance.now()
    let results: Record<string, TensorData>
    try {
      results = await session.run(feeds, fetches)
    } catch (error) {
      throw mapRunError(error, step, request.order)
    }
    runMs = performance.now() - start
    for (const [name, id] of step.outputs) {
      values.set(id, results[name])
      if (request.inputsComeOnce) noteMade(results[name])
    }
    const kind = step.kind === 'block' ? 'shared' : step.kind
    request.report.push({ kind, label: step.label, nodes: step.nodeCount, createMs, runMs })
  }
  const { key, nodeCount, rebuild, group } = step
  if (!rebuild) return context.useGroup(group!, session => run(session, undefined))
  // Each session would keep the memory of its largest run, and that of all layers together is many times what one of them needs.
  const returnsMemory = manyRebuilt && bytesOf(Object.values(feeds)) >= LARGE_BYTES
  const returning = returnsMemory ? { key: `${key}\nreturns memory`, returnsMemory } : undefined
  await context.useSession({ key, nodeCount, ...rebuild, ...returning }, run)
}

const bytesOf = (all: readonly TensorData[]): number =>
  all.reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0)

function copyOf(tensor: TensorData): TensorData {
  return { ...tensor, data: tensor.data.slice() as TensorData['data'] }
}
