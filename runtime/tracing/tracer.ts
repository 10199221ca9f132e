import type { Program } from '../engine/blocks/program.ts'
import type { Engine } from '../engine/engine.ts'
import type { TraceReport } from '../engine/running/report.ts'
import type { ValueShape } from '../engine/scanning/value-shape.ts'
import { OnnsightError } from '../errors/error.ts'
import { SaveError, ScannedError, TraceEndedError } from '../errors/trace.ts'
import type { Mark, Recording, Tap, Value } from '../graph/expression.ts'
import { currentRecorder, type Recorder, recorderScope } from '../graph/recorder.ts'
import type { ModuleNode } from '../names/tree.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import type { TensorData } from '../tensor/dtypes/data.ts'
import type { HeldType } from '../tensor/dtypes/dtype.ts'
import { stateOf, type Tensor } from '../tensor/tensor.ts'
import { type Backend, ExecutionBackend } from './backend.ts'
import type { BlockOwner } from './context.ts'
import { Here } from './here.ts'
import { Info } from './info.ts'
import { Invokes, settled } from './invokes.ts'
import { LineMark, StackMark } from './mark.ts'
import { Passed } from './passed.ts'
import { type KnownShapes, newView, Places, type PlacesOwner, type View } from './places.ts'
import { collectTensors } from './result.ts'
import type { Rows } from './rows.ts'
import { EngineRunner, type Runner, type RunResult } from './runner.ts'
import { currentSession, type Session } from './session.ts'
import { untilStop } from './stop.ts'
import type { Traceable, TraceableVariant } from './traceable.ts'
import { type TracerJSON, toPlain } from './tracer-json.ts'

/** Options of a trace. */
export interface TraceOptions {
  /** Heard between blocks: the run ends with the signal's reason. */
  readonly signal?: AbortSignal
  /** Told what the trace did and what it cost. */
  readonly onReport?: (report: TraceReport) => void
  /** What runs it. @default an ExecutionBackend: here and now */
  readonly backend?: Backend
}

/** Of what a program holds beside tensors, no more is looked through. */
const MOST_HELD = 5_000

export const TRACE_OPTIONS = ['signal', 'onReport', 'backend'] as const

/** Dtypes and dims of a trace's inputs, by name. */
export type HeldShapes = ReadonlyMap<string, { readonly type: HeldType; readonly dims: readonly number[] }>

export type TracedBody = (tracer: Tracer) => unknown

/** Records what a block does to a model, and has it run by its backend. */
export class Tracer implements PlacesOwner, BlockOwner {
  /** What trace() was given: the model and its inputs. */
  readonly args: readonly unknown[]
  /** The trace’s options. */
  readonly kwargs: TraceOptions
  /** What runs it. */
  readonly backend: Backend
  /** The block’s text and place. */
  info: Info | undefined
  /** The trace that this one stands in. @internal */
  readonly outer: Recorder | undefined
  readonly #session: Session | undefined
  /** Whether it has run. */
  finished = false
  /** @internal */
  left: readonly unknown[] | undefined
  #model: Traceable | undefined
  #variant: TraceableVariant | undefined
  #inputs: ReadonlyMap<string, TensorData> = new Map()
  #mark: Mark | undefined
  #called: StackMark | undefined
  #body: TracedBody | undefined
  readonly #places = new Places(this)
  readonly #saved = new Set<Tensor>()
  /** Those that nobody saved or returned: a variable of the trace or session around has them. */
  readonly #flowing = new Set<Tensor>()
  #pushed: Readonly<Record<string, unknown>> | undefined
  #runner: Runner | undefined
  /** The invokes in the block: they bring the inputs, where the trace has none. @internal */
  readonly invokes = new Invokes(this)
  /** No inputs are given: its invokes have them. @internal */
  isOpen = false
  /** The trace whose invokes this one runs, as one batch. */
  #within: Tracer | undefined
  /** Blocks with a text of their own that are being recorded: the trace's, and those of edits. */
  #texts = 0
  readonly #passed = new Passed()
  readonly #atEnd: { readonly act: () => void; readonly view: View }[] = []
  readonly #settling: (() => void | Promise<void>)[] = []
  /** Where a generation knows dims from other steps. @default a scan @internal */
  shapes: ((engine: Engine, inputs: HeldShapes) => Promise<KnownShapes>) | undefined
  /** Told of writes that need not fit for all inputs. @internal */
  unsure: PlacesOwner['unsure']
  /** Given dims that the user asks for, some of them unknown; gives what they are to see. @internal */
  resolveDims: Recorder['resolveDims']
  /** Nobody hears what it prints. @internal */
  unheard = false
  /** These inputs won't come again: nothing is kept for them. @internal */
  once = false
  /** @internal */
  successor: Tracer | undefined
  /** Only recorded: its tensors have dims and dtypes, and no values. @internal */
  scanned = false

  constructor(
    args: readonly unknown[],
    kwargs: TraceOptions = {},
    backend: Backend = new ExecutionBackend(),
    info?: Info,
  ) {
    this.args = args
    this.kwargs = knownOptions('trace()', kwargs, TRACE_OPTIONS)
    this.backend = backend
    this.info = info
    this.outer = currentRecorder()
    this.#session = currentSession()
  }

  /** A trace of a batch of invokes, in the trace that they stand in. @internal */
  static passOf(outer: Tracer, inputs: unknown): Tracer {
    const backend = outer.scanned ? outer.backend : (outer.kwargs.backend ?? new ExecutionBackend())
    const pass = new Tracer([outer.args[0], inputs], outer.kwargs, backend)
    pass.#within = outer
    return pass
  }

  /** @internal */
  get isPass(): boolean {
    return this.#within !== undefined
  }

  /** From here on, reads and writes are those of one invoke. @internal */
  enterRows(rows: Rows | undefined): void {
    this.#places.view = newView(rows)
  }

  /** @internal */
  get arounds(): readonly unknown[] {
    return [this.outer, this.#session]
  }

  /** 1 for a trace that stands in no other, and in no session. @internal */
  get depth(): number {
    if (this.outer instanceof Tracer && !this.outer.finished) return this.outer.depth + 1
    return this.#session ? 2 : 1
  }

  /** `file:line:column`. */
  get name(): string {
    if (this.#within) return this.#within.name
    if (!this.info) return this.#called?.label() ?? 'a trace'
    return `${this.info.filename}:${this.info.startLine}:${this.info.startColumn}`
  }

  /** @internal */
  get model(): Traceable {
    if (!this.#model) throw new Error('The tracer has not begun.')
    return this.#model
  }

  /** What runs the model on this trace's inputs. @internal */
  get variant(): TraceableVariant {
    if (!this.#variant) throw new Error('The tracer has not begun.')
    return this.#variant
  }

  /** @internal */
  get engine(): Engine {
    return this.variant.engine
  }

  /** @internal */
  get program(): Program {
    return this.engine.program
  }

  /** The model’s inputs as they are fed, by name: there once the trace has begun. */
  get inputs(): ReadonlyMap<string, TensorData> {
    return this.#inputs
  }

  /** Without the macro there is no text: only the line of the call, from the stack. @internal */
  capture(): void {
    const at = (this.#called ?? new StackMark()).position()
    this.info = new Info([], undefined, at?.line ?? 0, undefined, at?.file, { startColumn: at?.column ?? 1 })
  }

  /** Hands the block to the backend. @internal */
  async run(model: Traceable, body: TracedBody): Promise<unknown> {
    // Only noted: reading a stack costs more than recording does.
    if (!this.info) this.#called = new StackMark()
    this.#model = model
    this.#body = body
    return this.backend.run(this)
  }

  /** Checks the inputs and finds all shapes: before the block's first line. @internal */
  async begin(): Promise<void> {
    this.isOpen = (this.args.length < 2 || this.args[1] === null) && this.model.inputs.length > 0
    if (this.isOpen) return
    this.#inputs = this.model.prepare(this.args[1])
    try {
      this.#variant = await this.model.variant(this.#inputs)
      this.#places.begin(await this.#shapes())
    } catch (error) {
      throw error instanceof OnnsightError ? error : this.model.misfit(error)
    }
  }

  #shapes(): Promise<KnownShapes> {
    const held = new Map([...this.#inputs].map(([name, { type, dims }]) => [name, { type, dims }]))
    return this.shapes ? this.shapes(this.engine, held) : this.engine.shapes(held)
  }

  /** Runs the model's standing edits and then the block's body: they record. @internal */
  async execute(): Promise<unknown> {
    // In a batch each invoke has them in its own rows.
    if (!this.isOpen && !this.isPass) await this.recordEdits()
    // What an awaited function made current is not current here.
    recorderScope().enter(this)
    const result = await untilStop(() => this.#body?.(this))
    recorderScope().enter(this)
    if (this.isOpen) return this.#runInvokes(result)
    for (const { act, view } of this.#atEnd) {
      this.#places.view = view
      act()
    }
    const { frame, live = [] } = (this.#within ?? this).info ?? {}
    if (this.depth > 1) this.passOn([...live.map(name => frame?.get(name)), ...(frame?.reached ?? [])])
    return result
  }

  /** @internal */
  async recordEdits(): Promise<void> {
    for (const { block, model } of this.model.edits) {
      await untilStop(() => block.record(model, this))
      // Where awaits can't be followed, what is current is set by hand.
      recorderScope().enter(this)
      this.#mark = undefined
    }
  }

  async #runInvokes(result: unknown): Promise<unknown> {
    // The error says what inputs the model takes.
    if (!this.invokes.any) this.model.prepare(undefined)
    await this.invokes.flush()
    return settled(result)
  }

  /** `act` records more when the block has ended: it sees every write. @internal */
  atEnd(act: () => void): void {
    this.#atEnd.push({ act, view: this.#places.view })
  }

  /** `act` is done when the values are here, before the trace counts as done: where it fails, the trace does. @internal */
  whenRun(act: () => void | Promise<void>): void {
    this.#settling.push(act)
  }

  /** @internal */
  async settle(): Promise<void> {
    for (const act of this.#settling) await act()
  }

  /** @internal */
  textBegun(info: Info): void {
    if (info.hasText) this.#texts++
  }

  /** @internal */
  textEnded(): void {
    if (this.#texts > 0) this.#texts--
    // Lines of an edit are not those of the plain function after it.
    if (!this.#hasText()) this.#mark = undefined
    const { frame, live } = this.info ?? { frame: undefined, live: [] }
    // Blocks of invokes go on.
    if (!this.isOpen) this.left = live.map(name => frame?.get(name))
  }

  /** Puts the outer variables that the block assigns in its hands. @internal */
  pull(): Record<string, unknown> {
    return this.info?.pull() ?? {}
  }

  /** Notes what the block's variables ended as; `commit` writes them out once the run has succeeded. @internal */
  push(state: Readonly<Record<string, unknown>>): void {
    this.#pushed = state
    // In an outer trace everything flows on; only the outermost one keeps to what was saved.
    if (this.depth > 1) this.passOn(Object.values(state))
  }

  /** Its own values among these outlive it, with what it stands in. @internal */
  passOn(values: readonly unknown[]): void {
    for (const value of collectTensors(values, MOST_HELD)) {
      if (stateOf(value).recorder !== this || this.#saved.has(value)) continue
      this.#saved.add(value)
      this.#flowing.add(value)
      this.#around?.pass(value)
    }
  }

  /** What goes on when it ends is that one's. */
  get #around(): { pass(tensor: Tensor): void } | undefined {
    return this.outer instanceof Tracer && !this.outer.finished ? this.outer : this.#session
  }

  /** @internal */
  commit(result: unknown): void {
    this.finished = true
    this.#passed.end(result, this.#around)
    if (this.#pushed) this.info?.push(this.#pushed)
  }

  /** Values that nobody may ever look at. @internal */
  get flowing(): ReadonlySet<Tensor> {
    return this.#flowing
  }

  /** The handles whose values must outlive the trace. */
  get saved(): ReadonlySet<Tensor> {
    return this.#saved
  }

  /** An inner trace gives this on. @internal */
  pass(tensor: Tensor): void {
    this.#passed.add(tensor)
    this.#session?.pass(tensor)
  }

  /** @internal */
  save(tensor: Tensor): void {
    this.#flowing.delete(tensor)
    this.#passed.keep(tensor)
    this.#session?.save(tensor)
    if (tensor.computed) return
    if (stateOf(tensor).recorder && stateOf(tensor).recorder !== this) {
      throw new SaveError(
        `save() was given ${stateOf(tensor).label}, which belongs to another trace.`,
        'save it in the trace that reads it',
        this.mark()?.position(),
      )
    }
    this.#saved.add(tensor)
  }

  /** @internal */
  recording(wanted: readonly Value[]): Recording {
    return { owner: this, writes: this.#places.writes, wanted }
  }

  /** Where its backend runs it elsewhere than on the engine here. @internal */
  useRunner(runner: Runner): void {
    this.#runner = runner
  }

  /** Runs what has been recorded. @internal */
  async runRecording(wanted: readonly Value[], goesOn: boolean): Promise<RunResult> {
    this.#runner ??= new EngineRunner(this.engine)
    const { signal } = this.kwargs
    const { once } = this
    return this.#runner.run({ recording: this.recording(wanted), inputs: this.#inputs, signal, goesOn, once })
  }

  /** A plain function's own lines are noted nowhere: there the stack tells every line. @internal */
  noteMark(mark: Mark): void {
    if (this.#hasText()) this.#mark = mark
  }

  #hasText(): boolean {
    return this.#texts > 0 || (this.#within ?? this).info?.hasText === true
  }

  /** A line of a template. @internal */
  at(line: number, column: number, info = this.info): void {
    this.#mark = info ? new LineMark(info, line, column) : undefined
  }

  /** @internal */
  mark(): Mark | undefined {
    return this.#mark ?? this.#within?.mark() ?? (this.info?.hasText ? undefined : new StackMark())
  }

  /** A stack is read once for a call, however much the call records. @internal */
  oneCall<R>(body: () => R): R {
    if (this.#mark) return body()
    this.#mark = this.mark()
    try {
      return body()
    } finally {
      this.#mark = undefined
    }
  }

  /** What is known of a value of the model before it runs. @internal */
  shapeOf(name: string): ValueShape | undefined {
    return this.#places.shapeOf(name)
  }

  /** @internal */
  read(tap: Tap): Tensor {
    return this.#places.read(tap)
  }

  /** @throws ShapeError, DtypeError, OutOfOrderError @internal */
  write(tap: Tap, written: unknown): void {
    this.#places.write(tap, written)
  }

  /** @throws SkippedError @internal */
  skip(module: ModuleNode, outputs: readonly (readonly [Tap, unknown])[]): void {
    this.#places.skip(module, outputs)
  }

  /** @internal */
  get caller(): Recorder | undefined {
    return (this.#within ?? this).outer
  }

  /** @internal */
  resume(): void {
    if (!this.finished) recorderScope().enter(this)
  }

  /** @internal */
  async force(value: Value): Promise<TensorData> {
    this.assertGoing('a value')
    const here = new Here()
    const mark = this.mark()
    if (this.scanned) throw new ScannedError(undefined, mark?.position())
    const { wanted, executed, passed } = await this.runRecording([value], true)
    this.#places.ran(executed, passed, mark)
    // A plain function goes on right after this, where nothing follows awaits.
    here.return()
    return wanted[0]
  }

  /** Arguments and text, to be sent. Neither the model nor the block’s variables travel. */
  toJSON(): TracerJSON {
    if (!this.info) this.capture()
    return { args: this.args.slice(1).map(toPlain), kwargs: {}, info: (this.info as Info).toJSON() }
  }

  /** A tracer as it was sent, to run on `model` here: start line 0, and an ExecutionBackend. */
  static fromJSON(json: TracerJSON, model?: unknown): Tracer {
    const info = Info.fromJSON({ ...json.info, startLine: 0 })
    return new Tracer([model, ...json.args], json.kwargs, new ExecutionBackend(), info)
  }

  /** @internal */
  assertGoing(label: string): void {
    if (this.finished) throw new TraceEndedError(label, this.name, this.#mark?.position())
  }
}

/** The trace that the code runs in; undefined outside, and after its end. */
export function currentTracer(): Tracer | undefined {
  const recorder = currentRecorder()
  return recorder instanceof Tracer && !recorder.finished ? recorder : undefined
}
