import type { Engine } from '../engine/engine.ts'
import type { Program } from '../engine/program.ts'
import type { TraceReport } from '../engine/report.ts'
import type { ValueShape } from '../engine/scan.ts'
import { OnnsightError } from '../errors/error.ts'
import { DecidedError, OutOfOrderError } from '../errors/link.ts'
import { SaveError, SkippedError, TraceEndedError } from '../errors/trace.ts'
import { type Mark, type Recording, type Tap, TapRead, Value, type Write } from '../graph/expression.ts'
import { currentRecorder, type Recorder } from '../graph/recorder.ts'
import type { ModuleNode } from '../names/tree.ts'
import type { TensorData } from '../tensor/data.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type Backend, ExecutionBackend } from './backend.ts'
import { Info, type InfoJSON } from './info.ts'
import { LineMark, StackMark } from './mark.ts'
import { fitWrite } from './write.ts'

/** Options of a trace. */
export interface TraceOptions {
  /** Heard between blocks: the run ends with the signal's reason. */
  readonly signal?: AbortSignal
  /** Told what the trace did and what it cost. */
  readonly onReport?: (report: TraceReport) => void
}

/** What a tracer needs of a model. */
export interface Traceable {
  readonly name: string
  /** What runs the model on these inputs. */
  variant(inputs: ReadonlyMap<string, TensorData>): Promise<TraceableVariant>
  /** Checks and converts the inputs of a trace. @throws InputError */
  prepare(inputs: unknown): ReadonlyMap<string, TensorData>
  /** The error for inputs that onnxruntime finds not to fit together. */
  misfit(cause: unknown): Error
}

/** A model with its branches chosen. */
export interface TraceableVariant {
  readonly engine: Engine
  /** Values that chose the branches, before the block began: they can't be written any more. */
  readonly decided: ReadonlySet<string>
  /** For people. */
  readonly branches: readonly string[]
}

export type TracedBody = (tracer: Tracer) => unknown

/** Records what a block does to a model, and has it run by its backend. */
export class Tracer implements Recorder {
  readonly args: readonly unknown[]
  readonly kwargs: TraceOptions
  readonly backend: Backend
  info: Info | undefined
  /** The trace that this one stands in. */
  readonly outer: Recorder | undefined
  finished = false
  #model: Traceable | undefined
  #variant: TraceableVariant | undefined
  #inputs: ReadonlyMap<string, TensorData> = new Map()
  #shapes: ReadonlyMap<string, ValueShape> = new Map()
  #mark: Mark | undefined
  #called: StackMark | undefined
  #body: TracedBody | undefined
  readonly #writes = new Map<Tap, Write[]>()
  readonly #saved = new Set<Tensor>()
  #pushed: Readonly<Record<string, unknown>> | undefined
  /** What forced values have computed so far, by the model's own names. */
  readonly #given = new Map<string, TensorData>()
  readonly #executed = new Set<number>()
  #forcedAt: Mark | undefined
  readonly #skipped: {
    readonly module: ModuleNode
    readonly outputs: ReadonlySet<Tap>
    readonly mark: Mark | undefined
  }[] = []

  constructor(
    args: readonly unknown[],
    kwargs: TraceOptions = {},
    backend: Backend = new ExecutionBackend(),
    info?: Info,
  ) {
    this.args = args
    this.kwargs = kwargs
    this.backend = backend
    this.info = info
    this.outer = currentRecorder()
  }

  /** 1 for a trace that stands in no other. */
  get depth(): number {
    return this.outer instanceof Tracer && !this.outer.finished ? this.outer.depth + 1 : 1
  }

  get name(): string {
    if (!this.info) return this.#called?.label() ?? 'a trace'
    return `${this.info.filename}:${this.info.startLine}:${this.info.startColumn}`
  }

  get model(): Traceable {
    if (!this.#model) throw new Error('The tracer has not begun.')
    return this.#model
  }

  /** What runs the model on this trace's inputs. */
  get variant(): TraceableVariant {
    if (!this.#variant) throw new Error('The tracer has not begun.')
    return this.#variant
  }

  get engine(): Engine {
    return this.variant.engine
  }

  get program(): Program {
    return this.engine.program
  }

  get inputs(): ReadonlyMap<string, TensorData> {
    return this.#inputs
  }

  /** Without the macro there is no text: only the line of the call, from the stack. */
  capture(): void {
    const at = (this.#called ?? new StackMark()).position()
    this.info = new Info([], undefined, at?.line ?? 0, undefined, at?.file, { startColumn: at?.column ?? 1 })
  }

  /** Hands the block to the backend. */
  async run(model: Traceable, body: TracedBody): Promise<unknown> {
    // Only noted: reading a stack costs more than recording does.
    if (!this.info) this.#called = new StackMark()
    this.#model = model
    this.#body = body
    return this.backend.run(this)
  }

  /** Checks the inputs and finds all shapes: before the block's first line. */
  async begin(): Promise<void> {
    this.#inputs = this.model.prepare(this.args[1])
    const held = new Map([...this.#inputs].map(([name, { type, dims }]) => [name, { type, dims }]))
    try {
      this.#variant = await this.model.variant(this.#inputs)
      this.#shapes = await this.engine.shapes(held)
    } catch (error) {
      throw error instanceof OnnsightError ? error : this.model.misfit(error)
    }
  }

  /** Runs the block's body: it records. */
  execute(): unknown {
    return this.#body?.(this)
  }

  /** Puts the outer variables that the block assigns in its hands. */
  pull(): Record<string, unknown> {
    const state: Record<string, unknown> = {}
    const frame = this.info?.frame
    for (const name of frame?.names ?? []) if (!this.info?.live.includes(name)) state[name] = frame?.get(name)
    return state
  }

  /** Notes what the block's variables ended as; `commit` writes them out once the run has succeeded. */
  push(state: Readonly<Record<string, unknown>>): void {
    this.#pushed = state
    // In an outer trace everything flows on; only the outermost one keeps to what was saved.
    if (this.depth > 1)
      for (const value of Object.values(state))
        if (value instanceof Tensor && value.owner === this) this.#saved.add(value)
  }

  commit(): void {
    this.finished = true
    const state = this.#pushed
    if (state) for (const name of Object.keys(state)) this.info?.frame?.set(name, state[name])
  }

  /** The handles whose values must outlive the trace. */
  get saved(): ReadonlySet<Tensor> {
    return this.#saved
  }

  save(tensor: Tensor): void {
    if (tensor.computed) return
    if (tensor.owner && tensor.owner !== this) {
      throw new SaveError(
        `save() was given ${tensor.label}, which belongs to another trace.`,
        'save it in the trace that reads it',
        this.mark()?.position(),
      )
    }
    this.#saved.add(tensor)
  }

  recording(wanted: readonly Value[]): Recording {
    return { owner: this, writes: this.#writes, wanted }
  }

  get given(): ReadonlyMap<string, TensorData> {
    return this.#given
  }

  /** The macro notes each statement's line before it runs. */
  at(line: number, column: number): void {
    this.#mark = this.info ? new LineMark(this.info, line, column) : undefined
  }

  mark(): Mark | undefined {
    return this.#mark ?? (this.info?.source.length ? undefined : new StackMark())
  }

  /** A stack is read once for a call, however much the call records. */
  oneCall<R>(body: () => R): R {
    if (this.#mark) return body()
    this.#mark = this.mark()
    try {
      return body()
    } finally {
      this.#mark = undefined
    }
  }

  /** What is known of a value of the model before it runs. */
  shapeOf(name: string): ValueShape | undefined {
    return this.#shapes.get(name) ?? weightShape(this.engine, name)
  }

  /** A handle on the value at a tap, as it stands after the writes so far. */
  read(tap: Tap): Tensor {
    this.#assertOpen(tap.label)
    this.#assertNotSkipped(tap, 'read')
    const mark = this.mark()
    const writes = this.#writes.get(tap)?.length ?? 0
    const shape = this.shapeOf(tap.tensor)
    const value = new Value(new TapRead(tap, writes, this, mark), 0, shape?.type ?? 'float32', shape?.dims)
    const place = {
      label: tap.label,
      set: (slice: unknown, written: unknown) =>
        this.oneCall(() => this.write(tap, this.read(tap).assign(slice as never, written as never))),
    }
    return Tensor.handle(value, this, place)
  }

  /** Leaves a module out: these values stand for its outputs, and what lies inside is out of reach. @throws SkippedError */
  skip(module: ModuleNode, outputs: readonly (readonly [Tap, unknown])[]): void {
    for (const tap of this.#writes.keys())
      if (tap.scope !== module.path && isInside(tap, module, this.program))
        throw new SkippedError(tap.label, module.path, this.mark(), this.#writes.get(tap)?.[0].mark)
    for (const [tap, value] of outputs) this.#write(tap, value)
    this.#skipped.push({ module, outputs: new Set(outputs.map(([tap]) => tap)), mark: this.mark() })
  }

  /** Replaces the value at a tap for all that lies behind it. @throws ShapeError, DtypeError, OutOfOrderError */
  write(tap: Tap, written: unknown): void {
    this.oneCall(() => this.#write(tap, written))
  }

  #write(tap: Tap, written: unknown): void {
    this.#assertOpen(tap.label)
    this.#assertNotSkipped(tap, 'write')
    const mark = this.mark()
    if (this.#executed.size > 0) this.#assertNotPassed(tap, mark)
    // What one module reads for itself is still its own.
    const isOwn = tap.direction === 'in' && tap.scope !== ''
    if (this.variant.decided.has(tap.tensor) && !isOwn) throw new DecidedError(tap.label, mark)
    const value = fitWrite(tap.label, () => this.read(tap), this.shapeOf(tap.tensor), written, mark).node
    const writes = this.#writes.get(tap)
    if (writes) writes.push({ value, mark })
    else this.#writes.set(tap, [{ value, mark }])
  }

  async force(value: Value): Promise<TensorData> {
    this.#assertOpen('a value')
    this.#forcedAt = this.mark()
    const { wanted, values, plan } = await this.engine.run({
      recording: this.recording([value]),
      inputs: this.#inputs,
      given: this.#given,
      keepEdges: true,
      signal: this.kwargs.signal,
    })
    for (const [name, data] of values) if (this.program.graph.producer.has(name)) this.#given.set(name, data)
    for (const node of plan.executed) this.#executed.add(node)
    return wanted[0]
  }

  toJSON(): TracerJSON {
    if (!this.info) this.capture()
    return { args: this.args.slice(1).map(toPlain), kwargs: {}, info: (this.info as Info).toJSON() }
  }

  /** A tracer as it was sent, to run on `model` here: start line 0, and an ExecutionBackend. */
  static fromJSON(json: TracerJSON, model?: unknown): Tracer {
    const info = Info.fromJSON({ ...json.info, startLine: 0 })
    return new Tracer([model, ...json.args], json.kwargs, new ExecutionBackend(), info)
  }

  #assertOpen(label: string): void {
    if (this.finished) throw new TraceEndedError(label, this.name, this.#mark?.position())
  }

  #assertNotSkipped(tap: Tap, use: 'read' | 'write'): void {
    for (const { module, outputs, mark } of this.#skipped) {
      // What enters a skipped module is still there to read; nothing reads what would be written.
      const isOut = outputs.has(tap) || (use === 'read' && tap.direction === 'in' && tap.scope === module.path)
      if (!isOut && isInside(tap, module, this.program)) throw new SkippedError(tap.label, module.path, mark)
    }
  }

  #assertNotPassed(tap: Tap, mark: Mark | undefined): void {
    const { program } = this
    for (const node of program.graph.consumers.get(tap.tensor) ?? []) {
      if (!this.#executed.has(node.index) || !program.taps.pathOf(tap.tensor, node).includes(tap)) continue
      throw new OutOfOrderError(tap.label, mark, this.#forcedAt)
    }
  }
}

export interface TracerJSON {
  readonly args: readonly unknown[]
  readonly kwargs: TraceOptions
  readonly info: InfoJSON
}

/** Whether a tap stands at the module's boundary or within. */
function isInside(tap: Tap, module: ModuleNode, { taps, graph }: Program): boolean {
  const { scope } = tap
  if (!scope.startsWith('node:')) return scope === module.path || scope.startsWith(`${module.path}.`)
  const { path } = taps.tree.scopeOf(graph.nodes[Number(scope.slice(5))])
  return path === module.path || path.startsWith(`${module.path}.`)
}

function weightShape(engine: Engine, name: string): ValueShape | undefined {
  const tensor = engine.program.weights.get(name)
  const type = engine.program.typeOf(name)
  return tensor && type ? { type, dims: tensor.dims.map(Number) } : undefined
}

function toPlain(value: unknown): unknown {
  if (value instanceof Tensor) return value.tolist()
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<unknown>)
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(toPlain)
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]))
  return value
}
