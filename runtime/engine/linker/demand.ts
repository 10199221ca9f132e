import { CycleError } from '../../errors/link.ts'
import {
  type Application,
  type Expression,
  inputsOf,
  type Mark,
  type Recording,
  type Tap,
  type TapRead,
  type Value,
  type Write,
} from '../../graph/expression.ts'
import { readsBehind } from '../../graph/leaves.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { Cluster, GraphNode } from '../../onnx/graph/node.ts'
import type { DataType } from '../../tensor/dtypes/dtype.ts'
import type { Program } from '../blocks/program.ts'
import { Backward } from './backward.ts'
import { FusedNodes, fuseComplete } from './fused-nodes.ts'
import { type GradientPlace, GradientPlaces } from './gradient-places.ts'
import { GrowingForm } from './growing-form.ts'
import { type LinkedShape, LinkedShapes } from './linked-shapes.ts'
import type { BackwardSegments } from './recompute.ts'
import { makesUnit, outsideOfHook, readsOfHook, recordedUnit } from './recorded-unit.ts'
import { selectRowsFirst } from './select-rows-first.ts'
import { copyId, isConstant, recordedId, resultId, type Unit } from './unit.ts'

/**
 * Walks back from the wanted values to the nodes that make them, through taps and writes. Nodes that no wanted value needs are never
 * visited, so they do not run.
 */
export class Demand {
  /** Producers come before readers. */
  readonly units: Unit[] = []
  readonly producers = new Map<string, Unit>()
  /** Dtypes of the values that the recording adds. */
  readonly types = new Map<string, DataType>()
  /** Keys of taps before the recorded reads. A later write there would have changed what was read. */
  readonly tapsBeforeReads = new Set<string>()
  readonly #program: Program
  readonly #alreadyComputed: ReadonlySet<string>
  /** The recording's normal form. The operations that compute gradients are added to it. */
  readonly form: NormalForm
  readonly #writes: ReadonlyMap<Tap, readonly Write[]>
  readonly #written = new Set<string>()
  /** Results of `#resolve` for reads and applications. */
  readonly #resolvedReads = new Map<Expression, Value | string>()
  readonly #pending = new Map<string, Unit>()
  readonly #preparedApplications = new Set<Application>()
  readonly #fusedNodes: FusedNodes
  /** Whether every fused node is expanded, because gradients need rules, and only plain nodes have them. */
  readonly #expandsAll: boolean
  readonly #places: GradientPlaces
  readonly #wanted: readonly Value[]
  readonly #shapes: LinkedShapes | undefined
  readonly #backward: Backward | undefined
  /** The sessions that the backward pass is cut into; undefined where it runs in one with the forward pass. */
  segments: BackwardSegments | undefined

  /** @param options `expandsAll`: every fused node is expanded */
  constructor(
    program: Program,
    recording: Recording,
    form: NormalForm,
    alreadyComputed: ReadonlySet<string>,
    { isPlain: expandsAll = false }: { readonly isPlain?: boolean } = {},
  ) {
    this.#program = program
    this.#alreadyComputed = alreadyComputed
    this.#writes = recording.writes
    for (const tap of recording.writes.keys()) this.#written.add(tap.tensor)
    this.#places = new GradientPlaces(form, recording.writes, tap => program.taps.pathTo(tap))
    this.#wanted = recording.wanted
    this.#expandsAll = expandsAll || this.#places.any
    this.#fusedNodes = new FusedNodes(program.graph, recording, form, alreadyComputed)
    if (!this.#places.any) {
      this.form = form
      return
    }
    for (const tap of this.#places.taps) this.#written.add(tap.tensor)
    const growing = new GrowingForm(form)
    this.form = growing
    this.#shapes = new LinkedShapes(program, growing, this.producers, this.types)
    this.#backward = new Backward(program.opset, growing, this.#shapes)
  }

  get hasGradients(): boolean {
    return this.#backward !== undefined
  }

  /**
   * The first block that a gradient passes. From there on all runs in one session: what forward computes and backward reads then stays
   * within onnxruntime. Undefined without gradients, and where the backward pass computes the forward pass again.
   */
  get firstBlockOfGradient(): number | undefined {
    if (this.segments) return undefined
    const first = this.#backward?.firstBlock
    return first === Number.POSITIVE_INFINITY ? undefined : first
  }

  /** Dtype and dims of a value where the recording has gradients, whose rules depend on them. */
  shapeOf(id: string): LinkedShape | undefined {
    return this.#shapes?.get(id)
  }

  /** The id of a recorded value; for a read, the id of the value that arrives at its tap. */
  idOf(value: Value): string {
    const resolved = this.#resolve(value)
    if (typeof resolved === 'string') return resolved
    const { expression } = resolved
    if (expression.kind !== 'application') return recordedId(this.form, resolved)
    return copyId(this.form.numbers.get(expression)!, expression.to.tensor)
  }

  /**
   * Follows reads to the value written there, and applications of modules that compute nothing to their input. Ends at an operation, an
   * operand, a constant or another application, or at the name of a value of the model. A loop, as chains of reads may be of any length.
   */
  #resolve(value: Value): Value | string {
    const followed = new Set<Expression>()
    let current: Value | string = value
    while (typeof current !== 'string') {
      const { expression }: Value = current
      if (!this.form.numbers.has(expression)) throw new Error('An expression of another recording.')
      if (expression.kind === 'application' ? this.#computesSomething(expression) : expression.kind !== 'read') break
      const known = this.#resolvedReads.get(expression)
      if (known !== undefined) {
        current = known
        break
      }
      if (followed.has(expression)) throw this.#cycleOfReads(expression)
      followed.add(expression)
      current = expression.kind === 'read' ? this.#readBy(expression) : (expression as Application).input
    }
    for (const expression of followed) this.#resolvedReads.set(expression, current)
    return current
  }

  /** Adds the unit that makes `id`, and all units that it needs. @throws CycleError if a write depends on itself */
  require(id: string): void {
    const root = this.#unitFor(id)
    if (!root) return
    // The stack is explicit, because a deep model would overflow the call stack.
    const open: { unit: Unit; reads: string[]; next: number }[] = [{ unit: root, reads: readsInOrder(root), next: 0 }]
    const opened = new Set([root])
    while (open.length > 0) {
      const top = open[open.length - 1]
      if (top.next < top.reads.length) {
        const unit = this.#unitFor(top.reads[top.next++])
        if (!unit) continue
        if (opened.has(unit))
          throw this.#cycle(open.map(frame => frame.unit).slice(open.findIndex(frame => frame.unit === unit)))
        opened.add(unit)
        open.push({ unit, reads: readsInOrder(unit), next: 0 })
        continue
      }
      open.pop()
      opened.delete(top.unit)
      for (const unit of top.unit.kind === 'gradient' ? this.#writtenOut(top.unit) : [top.unit]) {
        this.units.push(unit)
        for (const output of unit.outputs) if (output !== '') this.producers.set(output, unit)
      }
    }
  }

  /** Returns the units that compute a gradient. Everything from which it is computed must be linked already. */
  #writtenOut(unit: Unit): Unit[] {
    // What flows back through rows that are selected late fills the others with zeros: at the head, those of the whole vocabulary.
    const results = [...this.#wanted.map(value => this.idOf(value)), ...unit.inputs]
    selectRowsFirst(this.#program, this, results, { most: 1 })
    const written = this.#backward!.unitsOf(unit, unit.gradient!, this.units)
    for (const { outputs } of written) for (const id of outputs) this.types.set(id, this.#shapes!.get(id).type)
    return written
  }

  /** The unit that makes a value, if it is not added yet; undefined for inputs, weights, constants and values already computed. */
  #unitFor(id: string): Unit | undefined {
    if (this.producers.has(id) || this.#alreadyComputed.has(id)) return undefined
    const pending = this.#pending.get(id)
    if (pending) return pending
    const place = this.#places.at(id)
    if (place) return this.#placeUnit(id, place)
    const produced = this.#program.graph.producer.get(id)
    if (!produced) return undefined
    return this.#nodeUnit(produced.node)
  }

  #add(unit: Unit): Unit {
    for (const output of unit.outputs) if (output !== '') this.#pending.set(output, unit)
    return unit
  }

  #nodeUnit(node: GraphNode): Unit {
    const { cluster } = node
    if (cluster && !this.#expandsAll && this.#fusedNodes.runsFused(cluster)) {
      const fused = this.#clusterUnit(cluster)
      if (fused) return fused
      this.#fusedNodes.expand(cluster)
    }
    let rewired = false
    const rewire = (name: string): string => {
      const id =
        name === '' || !this.#written.has(name) ? name : this.#arrivesAt(name, this.#program.taps.pathOf(name, node))
      rewired ||= id !== name
      return id
    }
    const inputs = node.inputs.map(rewire)
    const captures = node.captures.map(name => [name, rewire(name)] as const)
    return this.#add({
      kind: 'node',
      node,
      block: this.#program.blockOf(node),
      inputs,
      captures,
      outputs: node.outputs,
      isRewired: rewired,
    })
  }

  /** The unit of a fused node; undefined if writes make its parts read different values of one input. */
  #clusterUnit(cluster: Cluster): Unit | undefined {
    const { fused, nodes } = cluster
    const feeds = new Map<string, string>()
    for (const node of nodes) {
      for (const name of node.inputs) {
        if (!this.#written.has(name) || cluster.producedValues.has(name)) continue
        const id = this.#arrivesAt(name, this.#program.taps.pathOf(name, node))
        if (feeds.has(name) && feeds.get(name) !== id) return undefined
        feeds.set(name, id)
      }
    }
    const inputs = fused.inputs.map(name => feeds.get(name) ?? name)
    const outputs = this.#fusedNodes.outputsOf(cluster)
    return this.#add({
      kind: 'node',
      node: fused,
      cluster,
      block: this.#program.blockOf(nodes[0]),
      inputs,
      captures: [],
      outputs,
      isRewired: outputs !== fused.outputs || inputs.some((id, i) => id !== fused.inputs[i]),
    })
  }

  /** Adds an Identity at a place whose gradient is wanted. It gives the place a value of its own, because other places may share its tensor. */
  #placeUnit(id: string, { read, wanted }: GradientPlace): Unit {
    const before = this.#beforePlace(read)
    if (typeof before !== 'string') this.prepare(before)
    const type = this.#program.typeOf(read.tap.tensor)
    if (type) this.types.set(id, type)
    this.#shapes!.addPlace(id, read.tap)
    return this.#add({
      kind: 'operation',
      operation: this.#places.identity(read),
      expression: this.form.numbers.get(wanted)!,
      inputs: [typeof before === 'string' ? before : this.idOf(before)],
      captures: [],
      outputs: [id],
      isRewired: false,
    })
  }

  #readBy(read: TapRead): Value | string {
    return this.#places.idAt(read.tap, read.writes) ?? this.#beforePlace(read)
  }

  #beforePlace(read: TapRead): Value | string {
    if (read.writes > 0) return this.#writes.get(read.tap)![read.writes - 1].value
    const path = this.#program.taps.pathTo(read.tap)
    const before = path.slice(0, path.indexOf(read.tap))
    const last = before.findLastIndex(tap => this.#writes.has(tap) || this.#places.idAt(tap, 0) !== undefined)
    for (const { key } of before.slice(Math.max(0, last))) this.tapsBeforeReads.add(key)
    return this.#lastWritten(before) ?? read.tap.tensor
  }

  /** The id of the value that arrives at the end of a path: the last written one, whose units are then prepared, or the model's own. */
  #arrivesAt(tensor: string, path: readonly Tap[]): string {
    const written = this.#lastWritten(path)
    if (written === undefined) return tensor
    if (typeof written === 'string') return written
    this.prepare(written)
    return this.idOf(written)
  }

  #lastWritten(path: readonly Tap[]): Value | string | undefined {
    for (let i = path.length - 1; i >= 0; i--) {
      const writes = this.#writes.get(path[i])
      const place = this.#places.idAt(path[i], writes?.length ?? 0)
      if (place) return place
      if (writes) return writes[writes.length - 1].value
    }
    return undefined
  }

  /** Creates the units for a recorded value without adding them. They may read each other in a circle, which `require` finds. */
  prepare(value: Value): void {
    const open = [value]
    for (let next = open.pop(); next; next = open.pop()) {
      const resolved = this.#resolve(next)
      if (typeof resolved === 'string') continue
      const { expression } = resolved
      const number = this.form.numbers.get(expression)!
      if (expression.kind === 'operand') {
        const id = recordedId(this.form, resolved)
        this.types.set(id, resolved.type)
        this.#shapes?.add(id, resolved.type, expression.data.dims)
      }
      if (makesUnit(expression)) {
        this.#noteResult(resolved, number)
        if (this.#isPrepared(number)) continue
        const hookReads = this.#backward ? readsOfHook(expression) : []
        this.#add(recordedUnit(expression, number, value => this.idOf(value), hookReads))
        const inputs = expression.kind === 'hook' ? [expression.input, ...hookReads] : inputsOf(expression)
        for (const input of inputs) if (input) open.push(input)
      } else if (expression.kind === 'incoming') {
        throw outsideOfHook(expression)
      } else if (expression.kind === 'application' && !this.#preparedApplications.has(expression)) {
        this.#preparedApplications.add(expression)
        this.#copy(expression, number)
        open.push(expression.input)
      }
    }
  }

  /** Notes the dtype of a recorded value. All results of a gradient are known from its places. */
  #noteResult({ expression, output, type, dims }: Value, number: number): void {
    const results = expression.kind === 'gradient' ? [...expression.at.entries()] : [[output, { type, dims }] as const]
    for (const [i, result] of results) {
      this.types.set(resultId(number, i), result.type)
      this.#shapes?.addRecorded(resultId(number, i), result.type, result.dims)
    }
  }

  #isPrepared(number: number): boolean {
    const id = resultId(number, 0)
    return this.#pending.has(id) || this.producers.has(id)
  }

  /** Whether there are nodes between the module's input and output. */
  #computesSomething(application: Application): boolean {
    return application.from.tensor !== application.to.tensor
  }

  /** Copies the nodes between an application's taps; the copies read the application's input instead of the first tap. */
  #copy(application: Application, number: number): void {
    const { from, to } = application
    const between = this.#program.nodesBetween(application.module, from.tensor, to.tensor)
    const nodes = this.#expandsAll ? between : fuseComplete(between, from.tensor, to.tensor)
    const own = new Set(nodes.flatMap(node => node.outputs))
    const input = this.idOf(application.input)
    const rename = (name: string): string => {
      if (name === application.from.tensor) return input
      return own.has(name) ? copyId(number, name) : name
    }
    for (const node of nodes) {
      this.#add({
        kind: 'copy',
        node,
        expression: number,
        inputs: node.inputs.map(rename),
        captures: node.captures.map(name => [name, rename(name)] as const),
        outputs: node.outputs.map(name => (name === '' ? '' : copyId(number, name))),
        isRewired: true,
      })
      for (const name of node.outputs) {
        const type = this.#program.typeOf(name)
        if (type) this.types.set(copyId(number, name), type)
      }
    }
  }

  #cycleOfReads(expression: Expression): CycleError {
    if (expression.kind !== 'read') throw new Error('A module is applied to its own result.')
    return new CycleError(expression.tap.label, [expression.mark, this.#writes.get(expression.tap)?.[0]?.mark])
  }

  /** The error for a circle of units: it names the write that closed it, and the lines of the write and of the reads behind it. */
  #cycle(circle: readonly Unit[]): CycleError {
    const marks: (Mark | undefined)[] = []
    let label = ''
    for (const [tap, writes] of this.#writes) {
      const last = writes[writes.length - 1]
      const reads = readsBehind(last.value)
      if (reads.length === 0) continue
      const touches = circle.some(unit => unit.inputs.some(id => id === this.idOf(last.value)))
      if (!touches) continue
      label ||= tap.label
      marks.push(last.mark, ...reads.map(read => read.mark))
    }
    return new CycleError(label || circle.map(unit => unit.node?.name ?? '').find(name => name) || 'a value', marks)
  }
}

function readsInOrder(unit: Unit): string[] {
  return [
    ...unit.inputs.filter(id => id !== ''),
    ...unit.captures.map(([, id]) => id),
    ...(unit.hook?.reads.filter(id => !isConstant(id)) ?? []),
  ]
}
