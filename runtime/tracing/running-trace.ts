import type { Program } from '../engine/blocks/program.ts'
import type { Engine } from '../engine/engine.ts'
import type { TraceReport } from '../engine/running/report.ts'
import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { ScannedError, TraceEndedError } from '../errors/trace.ts'
import type { Mark, Recording, Tap, Value } from '../graph/expression.ts'
import { currentRecorder, type Recorder, recorderScope } from '../graph/recorder.ts'
import type { ModuleNode } from '../names/tree.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { BlockVariables } from './blocks/block-variables.ts'
import type { BlockOwner } from './blocks/context.ts'
import { reachedFrom } from './blocks/frame.ts'
import { Info, liveVariables } from './blocks/info.ts'
import { Lines } from './blocks/lines.ts'
import { untilStop } from './blocks/stop.ts'
import type { Share } from './invokes/batch.ts'
import { Invokes, type InvokesOwner, resultOfInvokes } from './invokes/invokes.ts'
import type { Rows } from './invokes/rows.ts'
import { EngineRunner, type Runner, type RunResult } from './runner.ts'
import { CallScope } from './scopes/call-scope.ts'
import { currentSession, type Session } from './scopes/session-scope.ts'
import { newView, TapAccess, type TapAccessOwner, type View } from './taps/tap-access.ts'
import type { AllTokens, Traceable, TraceableVariant } from './traceable.ts'
import { type FindShapes, TracedModel } from './traced-model.ts'
import type { Enclosing } from './values/inner-values.ts'
import { OutgoingValues } from './values/outgoing-values.ts'

export type TracedBody = (trace: RunningTrace) => unknown

/** The parts that a trace is created from. */
export interface TraceSetup {
  readonly args: readonly unknown[]
  readonly signal?: AbortSignal | undefined
  readonly onReport?: ((report: TraceReport) => void) | undefined
  readonly recompute?: boolean | undefined
  readonly info: Info | undefined
  /** Gives the trace to its backend, which runs it. */
  runBackend(): Promise<unknown>
  /** Makes a trace on these inputs that runs invokes of this one as one batch. */
  newBatch(inputs: unknown): RunningTrace
}

/** One trace, for the library's own code: it records what the block does, and runs it. Users see its `Tracer`. */
export class RunningTrace implements TapAccessOwner, BlockOwner, InvokesOwner {
  readonly #setup: TraceSetup
  /** The trace around this one. */
  readonly outer: Recorder | undefined
  /** The session around this trace. */
  readonly session: Session | undefined
  /** Whether the trace has ended. */
  finished = false
  /** The values of the outer variables when the block's text had ended. */
  variablesAtEnd: readonly unknown[] | undefined
  readonly #lines: Lines
  readonly #taps = new TapAccess(this)
  readonly #values: OutgoingValues
  readonly #variables = new BlockVariables()
  readonly #traced: TracedModel
  /** The invokes in the block. They bring the inputs if the trace has none. */
  readonly invokes = new Invokes(this)
  /** Whether the trace has no inputs of its own, so that its invokes bring them. */
  awaitsInvokes = false
  #body: TracedBody | undefined
  /** The trace whose invokes this one runs as one batch. */
  #batchOf: RunningTrace | undefined
  #runner: Runner | undefined
  readonly #atEnd: { readonly act: () => void; readonly view: View }[] = []
  readonly #whenRun: (() => void | Promise<void>)[] = []
  /** Runs the block's invokes in place of batches of their own. A generation gives each its rows in every step. */
  runInvokes: InvokesOwner['runInvokes']
  /** Finds dims in place of a scan. A generation knows them from other steps. */
  findShapes: FindShapes | undefined
  /** Whether nobody sees a tensor of this trace, so that nobody asks what its axes stand for. */
  needsNoAxes = false
  /** All tokens of each row, including those in the cache. Set in a generation, which knows them. */
  allTokens: AllTokens | undefined
  /** Called for each write whose dims may not match its place for every input. Only the export of an edit needs it. */
  onUncertainWrite: TapAccessOwner['onUncertainWrite']
  /** Replaces unknown dims by those that the user should see. */
  resolveDims: Recorder['resolveDims']
  /** Whether the block has asked for a value before its end. */
  wasForced = false
  /** Whether the block prints nothing. */
  isSilent = false
  /** Whether these inputs will not come again, so that nothing is kept for them. */
  keepsNothing = false
  /** The trace of the generation's next step, in which the block continues. */
  continuedBy: RunningTrace | undefined
  /** Whether the block is only recorded, so that its tensors have dims and dtypes but no values. */
  isOnlyScanned = false

  constructor(setup: TraceSetup) {
    this.#setup = setup
    this.outer = currentRecorder()
    this.session = currentSession()
    this.#lines = new Lines(setup.info)
    this.#traced = new TracedModel(setup.args)
    this.#values = new OutgoingValues(this)
  }

  /** The arguments of trace(): the model and its inputs. */
  get args(): readonly unknown[] {
    return this.#setup.args
  }

  get onReport(): TraceSetup['onReport'] {
    return this.#setup.onReport
  }

  /** The block's text and place. */
  get info(): Info | undefined {
    return this.#lines.info
  }

  get isBatch(): boolean {
    return this.#batchOf !== undefined
  }

  /** Makes this trace run invokes of the other one as one batch. */
  runInvokesOf(outer: RunningTrace): void {
    this.#batchOf = outer
    this.#lines.batchOf = outer.#lines
  }

  newBatch(inputs: unknown): RunningTrace {
    return this.#setup.newBatch(inputs)
  }

  /** The part of the model that the code being recorded sees. Each invoke has its own. */
  get view(): View {
    return this.#taps.view
  }

  /** Makes the following reads and writes those of one invoke. */
  enterRows(rows: Rows | undefined): void {
    this.#taps.view = newView(rows)
  }

  /** The rows that the code sees if it is one of several invokes. */
  get rows(): Share | undefined {
    return this.#taps.view.rows?.share
  }

  get outerBlocks(): readonly unknown[] {
    return [this.outer, this.session]
  }

  /** The trace or session around this one that takes over its values. */
  get enclosing(): Enclosing | undefined {
    return this.outer instanceof RunningTrace && !this.outer.finished ? this.outer : this.session
  }

  /** Whether the trace is inside another one or a session. */
  get #isInner(): boolean {
    return this.enclosing !== undefined
  }

  /** `file:line:column`. */
  get name(): string {
    return this.#lines.name
  }

  get model(): Traceable {
    return this.#traced.model
  }

  /** The model with the branches that this trace's inputs chose. */
  get variant(): TraceableVariant {
    return this.#traced.variant
  }

  get engine(): Engine {
    return this.variant.engine
  }

  get program(): Program {
    return this.engine.program
  }

  /** The model’s inputs as they are fed, by name. There are none before the trace has begun. */
  get inputs(): ReadonlyMap<string, TensorData> {
    return this.#traced.inputs
  }

  /** Returns the Info of the block. Without the macro it has no text, only the line of the call, which the stack tells. */
  capture(): Info {
    const at = this.#lines.call.position()
    this.#lines.info ??= new Info([], undefined, at?.line ?? 0, undefined, at?.file, { startColumn: at?.column ?? 1 })
    return this.#lines.info
  }

  /** Frees the inputs of a trace that has ended. */
  forgetInputs(): void {
    this.#traced.forgetInputs()
  }

  /** Gives the block to the backend. */
  async run(model: Traceable, body: TracedBody): Promise<unknown> {
    this.#lines.noteCall()
    this.#traced.model = model
    this.#body = body
    return this.#setup.runBackend()
  }

  /** Checks the inputs and finds all shapes, before the first line of the block. */
  async begin(): Promise<void> {
    this.awaitsInvokes = this.#traced.awaitsInvokes
    if (this.awaitsInvokes) return
    const { shapes, axes } = await this.#traced.begin(this.findShapes, !this.needsNoAxes, this.allTokens)
    this.#taps.begin(shapes, axes)
  }

  /** Records the model's standing edits and then the block, by running them. */
  async execute(): Promise<unknown> {
    // In a batch, each invoke records them for its own rows.
    if (!this.awaitsInvokes && !this.isBatch) await this.recordEdits()
    // An awaited function may have made another trace current. Make this one current again.
    recorderScope().enter(this)
    const result = await untilStop(() => this.#body?.(this))
    recorderScope().enter(this)
    if (this.awaitsInvokes) return this.#runInvokes(result)
    for (const { act, view } of this.#atEnd) {
      this.#taps.view = view
      act()
    }
    const { info } = this.#batchOf ?? this
    if (this.#isInner && info)
      this.passOn([...liveVariables(info).values, ...(info.frame ? reachedFrom(info.frame) : [])])
    return result
  }

  async recordEdits(): Promise<void> {
    for (const { block, model } of this.model.edits) {
      await untilStop(() => block.record(model, this))
      // Without async context, the trace must be made current again after an await.
      recorderScope().enter(this)
      this.#lines.forget()
    }
  }

  async #runInvokes(result: unknown): Promise<unknown> {
    // This throws an error that says what inputs the model takes.
    if (!this.invokes.any) this.model.prepare(undefined)
    await this.invokes.flush()
    return resultOfInvokes(result)
  }

  /** Calls `act` when the block has ended, to record more: it sees every write. */
  atEnd(act: () => void): void {
    this.#atEnd.push({ act, view: this.#taps.view })
  }

  /** Calls `act` when the values are computed, before the trace counts as done. If it fails, the trace fails. */
  whenRun(act: () => void | Promise<void>): void {
    this.#whenRun.push(act)
  }

  async settle(): Promise<void> {
    for (const act of this.#whenRun) await act()
  }

  textBegun(info: Info): void {
    this.#lines.textBegun(info)
  }

  textEnded(): void {
    this.#lines.textEnded()
    // The blocks of invokes have not run yet.
    if (!this.awaitsInvokes) this.variablesAtEnd = this.info ? liveVariables(this.info).values : []
  }

  /** Returns the values of the outer variables that the block assigns. */
  pull(): Record<string, unknown> {
    return this.#variables.pull(this.info)
  }

  /** Notes the final values of the block's variables. `commit` assigns them once the run has succeeded. */
  push(state: Readonly<Record<string, unknown>>): void {
    this.#variables.push(state)
    // An inner trace hands on all values. Only the outermost one keeps just what was saved.
    if (this.#isInner) this.passOn(Object.values(state))
  }

  /** Keeps the trace's own tensors among these values as long as the trace or session around it lasts. */
  passOn(values: readonly unknown[]): void {
    this.#values.passOn(values)
  }

  /** Ends the trace after a successful run: the block's variables get their values. */
  commit(result: unknown): void {
    this.finished = true
    this.#values.end(result)
    this.#variables.assign(this.info)
  }

  /** Tensors that only a variable of the trace or session around this one holds, so that perhaps nobody reads them. */
  get heldByVariables(): ReadonlySet<Tensor> {
    return this.#values.heldByVariables
  }

  /** The handles whose values must outlive the trace. */
  get saved(): ReadonlySet<Tensor> {
    return this.#values.saved
  }

  takeFromInner(tensor: Tensor): void {
    this.#values.takeFromInner(tensor)
  }

  /** @throws SaveError for a tensor of another trace */
  save(tensor: Tensor): void {
    this.#values.save(tensor)
  }

  recording(wanted: readonly Value[]): Recording {
    return { owner: this, writes: this.#taps.writes, wanted, recomputes: this.#setup.recompute ?? false }
  }

  /** Makes the trace run elsewhere than on this process's engine. */
  useRunner(runner: Runner): void {
    this.#runner = runner
  }

  /** Runs what has been recorded. */
  async runRecording(wanted: readonly Value[], goesOn: boolean): Promise<RunResult> {
    this.#runner ??= this.model.newRunner?.() ?? new EngineRunner(this.engine)
    const { signal } = this.#setup
    const { keepsNothing } = this
    return this.#runner.run({
      recording: this.recording(wanted),
      inputs: this.inputs,
      signal,
      goesOn,
      inputsComeOnce: keepsNothing,
    })
  }

  noteMark(mark: Mark): void {
    this.#lines.note(mark)
  }

  /** Notes the place of a template's statement, which runs next. */
  at(line: number, column: number, info?: Info): void {
    this.#lines.at(line, column, info)
  }

  mark(): Mark | undefined {
    return this.#lines.mark()
  }

  oneCall<R>(body: () => R): R {
    return this.#lines.oneCall(body)
  }

  /** Returns the dtype and dims of a value of the model, as far as they are known before it runs. */
  shapeOf(name: string): ValueShape | undefined {
    return this.#taps.shapeOf(name)
  }

  read(tap: Tap): Tensor {
    return this.#taps.read(tap)
  }

  /** @throws ShapeError, DtypeError, OutOfOrderError */
  write(tap: Tap, written: unknown): void {
    this.#taps.write(tap, written)
  }

  /** @throws SkippedError */
  skip(module: ModuleNode, outputs: readonly (readonly [Tap, unknown])[]): void {
    this.#taps.skip(module, outputs)
  }

  get caller(): Recorder | undefined {
    return (this.#batchOf ?? this).outer
  }

  resume(): void {
    if (!this.finished) recorderScope().enter(this)
  }

  async force(value: Value): Promise<TensorData> {
    this.assertGoing('a value')
    this.wasForced = true
    const scope = new CallScope()
    const mark = this.mark()
    if (this.isOnlyScanned) throw new ScannedError(undefined, mark?.position())
    const { wanted, executed, tapsBeforeReads } = await this.runRecording([value], true)
    this.#taps.ran(executed, tapsBeforeReads, mark)
    // A plain function continues right after this. Without async context, its trace must be made current here.
    scope.reenter()
    return wanted[0]
  }

  assertGoing(label: string): void {
    if (this.finished) throw new TraceEndedError(label, this.name, this.#lines.noted?.position())
  }
}
