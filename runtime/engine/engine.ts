import { LRUCache } from 'lru-cache'
import { UseAfterReleaseError } from '../errors/run.ts'
import { tensorKey } from '../graph/elements-key.ts'
import type { Recording, Value } from '../graph/expression.ts'
import { type NormalForm, normalise } from '../graph/normalise.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import type { Program } from './blocks/program.ts'
import { checkLimits } from './limits/check-limits.ts'
import type { GraphLimits } from './limits/graph-limits.ts'
import type { AddedValues } from './linker/added-values.ts'
import { link } from './linker/link.ts'
import type { LinkPlan } from './linker/plan.ts'
import { fewRowsIn } from './linker/select-rows-first.ts'
import { GroupSessions } from './running/group-sessions.ts'
import { Planned } from './running/planned.ts'
import type { StepReport, TraceReport } from './running/report.ts'
import { ReuseCache } from './running/reuse.ts'
import { type RunContext, runPlan } from './running/run.ts'
import { weightValue } from './running/weight-value.ts'
import { scan } from './scanning/scan.ts'
import type { ValueShape } from './scanning/value-shape.ts'
import type { Edge } from './sessions/assemble.ts'
import type { Provider } from './sessions/provider.ts'
import { SessionCache, type SessionCacheState } from './sessions/sessions.ts'

export interface EngineOptions {
  readonly provider: Provider
  /** Bytes of sessions kept for interventions. */
  readonly sessionBytes: number
  /** Bytes of block results kept for the same inputs; 0 for none. */
  readonly reuseBytes: number
  /** The model's name in error messages. */
  readonly name: string
}

export interface EngineRun {
  readonly recording: Recording
  readonly inputs: ReadonlyMap<string, TensorData>
  readonly alreadyComputed?: ReadonlyMap<string, TensorData>
  /** Whether to keep all values that later nodes could read, so that the trace can go on from there. */
  readonly keepEdges?: boolean
  readonly signal?: AbortSignal | undefined
  /** Whether these inputs will not come again, so that no results are kept for them. */
  readonly inputsComeOnce?: boolean
  /** The dtypes and dims that an untrusted recording states for its values. It shares plans and sessions only with recordings that state the same. */
  readonly untrustedTypes?: string
  /** What the run may cost: checked before it, and its time between steps. */
  readonly limits?: GraphLimits | undefined
}

export interface EngineResult {
  readonly wanted: readonly TensorData[]
  /** Every value that was not dropped, by id. */
  readonly values: ReadonlyMap<string, TensorData>
  readonly plan: LinkPlan
  readonly report: TraceReport
}

interface PlanRequest {
  readonly recording: Recording
  readonly form: NormalForm
  readonly known: ReadonlyMap<string, TensorData>
  readonly keepEdges?: boolean | undefined
  readonly untrustedTypes?: string | undefined
}

type Shapes = ReadonlyMap<string, ValueShape>

/** A plan keeps the parts that its sessions are made of, some hundred kilobytes. */
const MAX_PLANS = 128
const MAX_SHAPES = 64
const MAX_CHECKED = 512
/** Operands with more elements are no sizes. */
const MAX_SIZES = 64

/** Runs recordings on a model. Owns the sessions of its groups and of rebuilt blocks, the plans, and the results that are kept. */
export class Engine {
  readonly program: Program
  readonly #options: EngineOptions
  readonly #sessions: SessionCache
  readonly #reuse: ReuseCache
  readonly #groups: GroupSessions
  readonly #plans = new LRUCache<string, Planned>({ max: MAX_PLANS })
  readonly #shapes = new LRUCache<string, Shapes | Promise<Shapes>>({ max: MAX_SHAPES })
  /** Recordings that keep their limits, with all that their sizes follow from. */
  readonly #checked = new LRUCache<string, true>({ max: MAX_CHECKED })
  readonly #context: RunContext
  #opening: Promise<void> | undefined
  #released = false

  constructor(program: Program, options: EngineOptions) {
    this.program = program
    this.#options = options
    this.#sessions = new SessionCache(options.provider, options.sessionBytes)
    this.#reuse = new ReuseCache(options.reuseBytes)
    this.#groups = new GroupSessions(program, options.provider, options.name)
    this.#context = {
      useGroup: (group, use) => this.#groups.use(group, use),
      useSession: (request, use) => this.#sessions.use(request, use),
      reuse: this.#reuse,
    }
  }

  /** Creates the sessions of all groups, one after another, once. Calls `onGroup` after each one. */
  open(onGroup?: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    this.#opening ??= this.#open(onGroup, signal)
    return this.#opening
  }

  async #open(onGroup?: (done: number, total: number) => void, signal?: AbortSignal): Promise<void> {
    const { groups } = this.program
    try {
      for (const group of groups) {
        signal?.throwIfAborted()
        await this.#groups.open(group.index)
        onGroup?.(group.index + 1, groups.length)
      }
    } catch (error) {
      await this.release()
      throw error
    }
  }

  /**
   * Closes the sessions of unedited groups, which are created again when a run needs them. Until the returned function is called, new sessions
   * keep no memory between their runs. That releases them.
   */
  async saveMemory(): Promise<() => Promise<void>> {
    const end = this.#sessions.saveMemory()
    await this.#groups.close()
    return end
  }

  get sessions(): SessionCacheState {
    return this.#sessions.state
  }

  get reusedBytes(): number {
    return this.#reuse.bytes
  }

  /** Dtype and dims of every value for inputs of these dims, some of which may be unknown. Does not run the model; the result is cached. */
  async shapes(
    inputs: ReadonlyMap<string, { type: HeldType; dims: readonly (number | undefined)[] }>,
  ): Promise<Shapes> {
    this.#assertOpen()
    const key = [...inputs].map(([name, { dims }]) => `${name}:${dims}`).join()
    let shapes = this.#shapes.get(key)
    if (!shapes) {
      const { graph, weights } = this.program
      const edges = graph.inputs.map((input): Edge => {
        const fed = inputs.get(input.name)
        return { name: input.name, type: this.program.typeOf(input.name), dims: fed?.dims ?? input.dims }
      })
      const scanned = scan(graph, weights, this.#options.provider, edges).catch((error): Shapes => {
        // onnxruntime infers both branches of an If, also the one that rejects these dims. Then use what holds for all dims.
        if (!graph.nodes.some(node => node.opType === 'If')) throw error
        return this.program.openShapes
      })
      shapes = scanned
      this.#shapes.set(key, scanned)
      // A promise refers to the trace in which it was made, and the trace to its tensors: it is not kept.
      scanned.then(
        found => this.#shapes.set(key, found),
        () => this.#shapes.delete(key),
      )
    }
    return shapes
  }

  /** Links a recording without running it. @throws CycleError, UseAfterReleaseError */
  check(recording: Recording): void {
    this.#assertOpen()
    this.#plan({ recording, form: normalise(recording), known: new Map() })
  }

  /** Links a recording and runs it. */
  async run({
    recording,
    inputs,
    alreadyComputed,
    keepEdges,
    inputsComeOnce,
    signal,
    untrustedTypes,
    limits,
  }: EngineRun): Promise<EngineResult> {
    this.#assertOpen()
    const start = performance.now()
    const form = normalise(recording)
    const known = alreadyComputed ?? new Map<string, TensorData>()
    const { planned, cached, linked } = this.#plan({ recording, form, known, keepEdges, untrustedTypes })
    const { plan } = planned
    if (limits) await this.#checkLimits(limits, { recording, form, inputs, plan, untrustedTypes })
    const steps: StepReport[] = []
    const values = await runPlan(this.#context, {
      plan,
      operands: form.operands,
      order: form.order,
      inputs,
      alreadyComputed: known,
      inputsComeOnce: inputsComeOnce ?? false,
      signal,
      deadline: limits?.timeMs === undefined ? undefined : { at: start + limits.timeMs, limitMs: limits.timeMs },
      report: steps,
    })
    // A trace that continues from computed values already runs in parts, so its plan is not joined.
    if (!keepEdges && known.size === 0) planned.ran(steps, () => linked(true))
    for (const name of plan.weights) values.set(name, await weightValue(this.program, this.#options.provider, name))
    const wanted = plan.results.map((id, i) => values.get(id) ?? constantData(recording.wanted[i]))
    const totalMs = performance.now() - start
    const inRuns = steps.reduce((sum, step) => sum + step.runMs + (step.createMs ?? 0), 0)
    const skipped = plan.skipped.map(block => this.program.blocks[block].label)
    return { wanted, values, plan, report: { steps, skipped, planCached: cached, totalMs, ownMs: totalMs - inRuns } }
  }

  async release(): Promise<void> {
    this.#released = true
    this.#reuse.clear()
    this.#plans.clear()
    this.#shapes.clear()
    await this.#sessions.release()
    await this.#groups.release()
  }

  #plan({ recording, form, known, keepEdges = false, untrustedTypes }: PlanRequest): {
    planned: Planned
    cached: boolean
    linked(joins: boolean): LinkPlan
  } {
    let { key } = form
    if (keepEdges) key += '!edges'
    else {
      const few = fewRowsIn(form.order)
      if (few !== '') key += `!few ${few}`
    }
    if (known.size > 0) key += `!computed ${[...known.keys()].join('\u0000')}`
    if (untrustedTypes !== undefined) key += `!types ${untrustedTypes}`
    const linked = (joins: boolean): LinkPlan => {
      const plan = link(this.program, recording, form, new Set(known.keys()), { keepEdges, joins })
      return untrustedTypes === undefined ? plan : withOwnSessions(plan, untrustedTypes)
    }
    const earlier = this.#plans.get(key)
    if (earlier) return { planned: earlier, cached: true, linked }
    const planned = new Planned(linked(false), this.#sessions)
    this.#plans.set(key, planned)
    return { planned, cached: false, linked }
  }

  /** Checks that a recording would keep its limits. @returns the plan by which it would run. @throws GraphLimitError, InvalidInterventionGraphError */
  async checkLimits(
    limits: GraphLimits,
    run: Pick<EngineRun, 'recording' | 'inputs' | 'untrustedTypes'>,
  ): Promise<LinkPlan> {
    this.#assertOpen()
    const form = normalise(run.recording)
    const { planned } = this.#plan({ ...run, form, known: new Map() })
    await this.#checkLimits(limits, { ...run, form, plan: planned.plan })
    return planned.plan
  }

  async #checkLimits(
    limits: GraphLimits,
    run: Pick<EngineRun, 'recording' | 'inputs' | 'untrustedTypes'> & { form: NormalForm; plan: LinkPlan },
  ): Promise<void> {
    const { recording, form, inputs, plan, untrustedTypes } = run
    if (Object.keys(limits).every(name => name === 'timeMs')) return
    const key = sizesKey(limits, form, inputs, untrustedTypes)
    if (this.#checked.has(key)) return
    const { program } = this
    const { provider } = this.#options
    const linked: AddedValues[] = []
    link(program, recording, form, new Set(), { onLinked: added => linked.push(added) })
    const shapes = await this.shapes(inputs)
    await checkLimits({ program, provider, plan, added: linked[0], form, shapes }, limits)
    this.#checked.set(key, true)
  }

  #assertOpen(): void {
    if (this.#released) throw new UseAfterReleaseError(this.#options.name)
  }
}

/** Equal only for recordings whose values have the same sizes: these follow from inputs' dims, and from operands that may be sizes. */
function sizesKey(
  limits: GraphLimits,
  { key, operands }: NormalForm,
  inputs: ReadonlyMap<string, TensorData>,
  untrustedTypes = '',
): string {
  const ofOperand = (data: TensorData): string =>
    data.data.length <= MAX_SIZES && /int/.test(data.type) ? tensorKey(data) : `${data.type}[${data.dims}]`
  const ofInput = ([name, { dims }]: readonly [string, TensorData]): string => `${name}[${dims}]`
  return [JSON.stringify(limits), key, untrustedTypes, ...operands.map(ofOperand), ...[...inputs].map(ofInput)].join(
    '\n',
  )
}

/** A copy of the plan whose rebuilt sessions have keys of their own. */
function withOwnSessions(plan: LinkPlan, untrustedTypes: string): LinkPlan {
  return { ...plan, steps: plan.steps.map(step => ({ ...step, key: `${step.key}!types ${untrustedTypes}` })) }
}

/** The data of a wanted value that is a constant. */
function constantData(value: Value): TensorData {
  if (value.expression.kind !== 'constant') throw new Error('A wanted value was not computed.')
  return value.expression.data
}
