import type { Expression } from '../graph/expression.ts'
import type { TensorData } from '../tensor/data.ts'
import type { LinkPlan, Step } from './linker/plan.ts'
import { operandId } from './linker/unit.ts'
import type { Session } from './providers/provider.ts'
import type { StepReport } from './report.ts'
import { type ReuseCache, runKey } from './reuse.ts'
import { mapRunError } from './run-error.ts'
import type { SessionRequest } from './sessions.ts'

export interface RunContext {
  /** The session of an unedited block. */
  blockSession(block: number): Session
  useSession<R>(
    request: SessionRequest,
    use: (session: Session, createMs: number | undefined) => Promise<R>,
  ): Promise<R>
  readonly reuse: ReuseCache
  /** Whether a value is read by later blocks: those are worth keeping. */
  isEdge(name: string): boolean
}

export interface RunRequest {
  readonly plan: LinkPlan
  readonly operands: readonly TensorData[]
  /** The recording's expressions, for blaming a line. */
  readonly order: readonly Expression[]
  readonly inputs: ReadonlyMap<string, TensorData>
  /** Values that are known from an earlier run of the same trace. */
  readonly given: ReadonlyMap<string, TensorData>
  readonly signal: AbortSignal | undefined
  readonly report: StepReport[]
}

/** Runs a plan's steps in turn. Between steps the signal is heard. Gives every value that was not dropped, by id. */
export async function runPlan(context: RunContext, request: RunRequest): Promise<Map<string, TensorData>> {
  const { plan, operands, report, signal } = request
  const values = new Map<string, TensorData>(request.given)
  for (const [name, data] of request.inputs) values.set(name, data)
  operands.forEach((data, slot) => {
    values.set(operandId(slot), data)
  })
  const tokens = new Map<string, string>()
  const { reuse } = context
  if (reuse.enabled && plan.steps.some(step => step.reusable)) {
    for (const [name, data] of request.inputs) tokens.set(name, reuse.tokenOf(name, data))
  }

  for (const step of plan.steps) {
    signal?.throwIfAborted()
    const from = reuse.enabled && step.reusable ? inputTokens(step, tokens) : undefined
    const run = from && runKey(step.key, from)
    const names = step.outputs.map(([, id]) => id)
    const kept = run === undefined ? undefined : reuse.get(run, names)
    if (kept) {
      for (const id of names) values.set(id, kept.get(id)!)
      report.push({ kind: 'reused', label: step.label, nodes: step.nodeCount, createMs: undefined, runMs: 0 })
    } else {
      await runStep(context, request, step, values)
      if (run !== undefined) {
        const edges = names.filter(id => context.isEdge(id)).map(id => [id, values.get(id)!] as const)
        reuse.put(run, new Map(edges))
      }
    }
    if (run !== undefined) {
      for (const id of names) {
        const token = reuse.outputToken(run, id)
        if (token !== undefined) tokens.set(id, token)
      }
    }
    for (const id of step.dropped) values.delete(id)
  }
  // What is kept must not change when the caller writes into what it was given.
  for (const id of plan.results) if (tokens.has(id)) values.set(id, copyOf(values.get(id)!))
  return values
}

function inputTokens(step: Step, tokens: ReadonlyMap<string, string>): string[] | undefined {
  const found: string[] = []
  for (const [, id] of step.inputs) {
    const token = tokens.get(id)
    if (token === undefined) return undefined
    found.push(token)
  }
  return found
}

async function runStep(
  context: RunContext,
  request: RunRequest,
  step: Step,
  values: Map<string, TensorData>,
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
    for (const [name, id] of step.outputs) values.set(id, results[name])
    const kind = step.kind === 'block' ? 'shared' : step.kind
    request.report.push({ kind, label: step.label, nodes: step.nodeCount, createMs, runMs })
  }
  const { key, nodeCount, rebuild } = step
  if (!rebuild) return run(context.blockSession(step.block), undefined)
  await context.useSession({ key, nodeCount, ...rebuild }, run)
}

function copyOf(tensor: TensorData): TensorData {
  return { ...tensor, data: tensor.data.slice() as TensorData['data'] }
}
