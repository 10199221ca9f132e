import type { Program } from '../../engine/blocks/program.ts'
import type { Engine } from '../../engine/engine.ts'
import type { ValueShape } from '../../engine/scanning/value-shape.ts'
import { DecidedError, OutOfOrderError } from '../../errors/link.ts'
import { SkippedError } from '../../errors/trace.ts'
import { type Mark, type Tap, TapRead, Value, type Write } from '../../graph/expression.ts'
import type { Recorder } from '../../graph/recorder.ts'
import type { ModuleNode } from '../../names/tree.ts'
import { setAxes, shareAxes } from '../../tensor/axes.ts'
import type { Place } from '../../tensor/state.ts'
import { newHandle, stateOf, type Tensor } from '../../tensor/tensor.ts'
import type { Rows } from '../invokes/rows.ts'
import type { AxesOfValue, TraceableVariant } from '../traceable.ts'
import { fitWrite } from './fit-write.ts'
import { isInside, Skipped } from './skipped.ts'

/** The dtypes and dims of values, as far as they are known before the model runs, by name. */
export type KnownShapes = Pick<ReadonlyMap<string, ValueShape>, 'get'>

/** The trace whose reads and writes these are. */
export interface TapAccessOwner extends Recorder {
  readonly variant: TraceableVariant
  /** @throws TraceEndedError */
  assertGoing(label: string): void
  /** Called for each write whose dims match its place as far as they are known, but may not match for every input. */
  readonly onUncertainWrite?: ((tensor: string, written: Value, fitted: Value | undefined) => void) | undefined
}

/** The part of the model that the code being recorded sees. An invoke sees its own rows, and its own skipped modules. */
export interface View {
  /** The rows that it sees; undefined if there is at most one invoke. */
  readonly rows: Rows | undefined
  readonly skipped: Skipped
  /** The taps that it has written, with the line of the first write. */
  readonly written: Map<Tap, Mark | undefined>
}

export const newView = (rows?: Rows): View => ({ rows, skipped: new Skipped(), written: new Map() })

/** Records what a trace does at the model's taps: its reads, its writes and the modules that it skips. Knows what has run already. */
export class TapAccess {
  readonly #owner: TapAccessOwner
  readonly #writes = new Map<Tap, Write[]>()
  readonly #computedNodes = new Set<number>()
  /** The keys of the taps that computed values went through, and the invokes for which they did. */
  readonly #computedTaps = new Map<string, Set<View>>()
  #computedAt: Mark | undefined
  #shapes: KnownShapes = new Map()
  #axes: AxesOfValue | undefined
  view: View = newView()

  constructor(owner: TapAccessOwner) {
    this.#owner = owner
  }

  /** Sets what is known of all values before the model runs. */
  begin(shapes: KnownShapes, axes?: AxesOfValue): void {
    this.#shapes = shapes
    this.#axes = axes
  }

  get writes(): ReadonlyMap<Tap, readonly Write[]> {
    return this.#writes
  }

  /** Notes that these nodes have run, and that the read values went through these taps, when the line at `mark` asked for a value. */
  ran(nodes: Iterable<number>, taps: Iterable<string>, mark: Mark | undefined): void {
    this.#computedAt = mark
    for (const node of nodes) this.#computedNodes.add(node)
    for (const key of taps) this.#computedTaps.set(key, (this.#computedTaps.get(key) ?? new Set()).add(this.view))
  }

  shapeOf(name: string): ValueShape | undefined {
    return this.#shapes.get(name) ?? weightShape(this.#owner.variant.engine, name)
  }

  /** Returns a handle on the value at a tap as it is after the writes so far; for an invoke, on its own rows. */
  read(tap: Tap): Tensor {
    const owner = this.#owner
    owner.assertGoing(tap.label)
    this.view.skipped.assertThere(tap, 'read', this.#program)
    const place = {
      label: tap.label,
      set: (slice: unknown, written: unknown) =>
        owner.oneCall(() => this.write(tap, this.read(tap).assign(slice as never, written as never))),
    }
    const part = this.view.rows?.spec(tap).slice
    if (part === undefined) return this.#readWhole(tap, place)
    return owner.oneCall(() => {
      const rows = this.#readWhole(tap).slice(part)
      const handle = newHandle(stateOf(rows).value, owner, place)
      shareAxes(rows, handle)
      return handle
    })
  }

  #readWhole(tap: Tap, place?: Place): Tensor {
    const owner = this.#owner
    const writes = this.#writes.get(tap)?.length ?? 0
    const shape = this.shapeOf(tap.tensor)
    const read = new TapRead(tap, writes, owner, owner.mark())
    const handle = newHandle(new Value(read, 0, shape?.type ?? 'float32', shape?.dims), owner, place)
    const axes = this.#axes
    if (axes) setAxes(handle, () => axes(tap.tensor, handle.dims))
    return handle
  }

  /** Replaces the value at a tap for everything that reads it. @throws ShapeError, DtypeError, OutOfOrderError */
  write(tap: Tap, written: unknown): void {
    this.#owner.oneCall(() => this.#write(tap, written))
  }

  /** Skips a module: these values replace its outputs, and nothing inside it can be read or written. @throws SkippedError */
  skip(module: ModuleNode, outputs: readonly (readonly [Tap, unknown])[]): void {
    const mark = this.#owner.mark()
    for (const [tap, first] of this.view.written)
      if (tap.scope !== module.path && isInside(tap, module, this.#program))
        throw new SkippedError(tap.label, module.path, mark, first)
    for (const [tap, value] of outputs) this.#write(tap, value)
    const taps = outputs.map(([tap]) => tap)
    this.view.skipped.add(module, taps, mark)
  }

  get #program(): Program {
    return this.#owner.variant.engine.program
  }

  #write(tap: Tap, written: unknown): void {
    const { variant } = this.#owner
    this.#owner.assertGoing(tap.label)
    this.view.skipped.assertThere(tap, 'write', this.#program)
    const mark = this.#owner.mark()
    this.#assertNotComputed(tap, mark)
    // The input that one module reads can still be written.
    const isOwn = tap.direction === 'in' && tap.scope !== ''
    if (variant.decided.has(tap.tensor) && !isOwn) throw new DecidedError(tap.label, mark)
    const value = stateOf(this.#fit(tap, written, mark)).value
    if (!this.view.written.has(tap)) this.view.written.set(tap, mark)
    const writes = this.#writes.get(tap)
    if (writes) writes.push({ value, mark })
    else this.#writes.set(tap, [{ value, mark }])
  }

  /** Returns the value that is read from now on. If an invoke sees only some rows, the other rows stay as they are. */
  #fit(tap: Tap, written: unknown, mark: Mark | undefined): Tensor {
    const shape = this.shapeOf(tap.tensor)
    if (!this.view.rows) {
      const { onUncertainWrite } = this.#owner
      return fitWrite(
        tap.label,
        () => this.#readWhole(tap),
        shape,
        written,
        mark,
        onUncertainWrite &&
          ((value, fitted) => onUncertainWrite(tap.tensor, stateOf(value).value, fitted && stateOf(fitted).value)),
      )
    }
    const part = this.view.rows.writable(tap)
    const current = this.#readWhole(tap)
    const rows = current.slice(part)
    const own = shape && { type: shape.type, dims: rows.dims }
    const fitting = fitWrite(tap.label, () => rows, own, written, mark)
    return current.assign(part, fitting)
  }

  #assertNotComputed(tap: Tap, mark: Mark | undefined): void {
    if (this.#computedNodes.size === 0 && this.#computedTaps.size === 0) return
    // Each of several invokes writes rows that the others did not read.
    for (const view of this.#computedTaps.get(tap.key) ?? [])
      if (view === this.view || !view.rows || !this.view.rows)
        throw new OutOfOrderError(tap.label, mark, this.#computedAt)
    const { graph, taps } = this.#program
    for (const node of graph.consumers.get(tap.tensor) ?? []) {
      if (!this.#computedNodes.has(node.index) || !taps.pathOf(tap.tensor, node).includes(tap)) continue
      throw new OutOfOrderError(tap.label, mark, this.#computedAt)
    }
  }
}

function weightShape(engine: Engine, name: string): ValueShape | undefined {
  const tensor = engine.program.weights.get(name)
  const type = engine.program.typeOf(name)
  return tensor && type ? { type, dims: tensor.dims.map(Number) } : undefined
}
