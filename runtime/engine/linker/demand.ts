import { CycleError } from '../../errors/link.ts'
import type { Application, Expression, Mark, Recording, Tap, TapRead, Value, Write } from '../../graph/expression.ts'
import type { NormalForm } from '../../graph/normalise.ts'
import type { GraphNode } from '../../onnx/graph.ts'
import type { DataType } from '../../tensor/dtype.ts'
import type { Program } from '../program.ts'
import { copyId, recordedId, resultId, type Unit } from './unit.ts'

/**
 * Walks back from the values wanted to the nodes that make them, through taps and writes. What nobody wants is never visited: that
 * is the pruning. Units come out producers first.
 */
export class Demand {
  /** Producers before users. */
  readonly units: Unit[] = []
  readonly producers = new Map<string, Unit>()
  /** Dtypes of what the recording adds. */
  readonly types = new Map<string, DataType>()
  readonly #program: Program
  readonly #given: ReadonlySet<string>
  readonly #form: NormalForm
  readonly #writes: ReadonlyMap<Tap, readonly Write[]>
  readonly #written = new Set<string>()
  readonly #resolving = new Set<TapRead>()
  readonly #pending = new Map<string, Unit>()
  readonly #copies = new Map<Application, ReadonlyMap<string, Unit>>()

  constructor(program: Program, recording: Recording, form: NormalForm, given: ReadonlySet<string>) {
    this.#program = program
    this.#given = given
    this.#writes = recording.writes
    for (const tap of recording.writes.keys()) this.#written.add(tap.tensor)
    this.#form = form
  }

  /** The id of a recorded value: for a read, of whatever arrives at its tap. */
  idOf(value: Value): string {
    const { expression } = value
    if (!this.#form.numbers.has(expression)) throw new Error('An expression of another recording.')
    if (expression.kind === 'read') return this.#resolveRead(expression)
    if (expression.kind !== 'application') return recordedId(this.#form, value)
    return this.#within(expression)
      ? copyId(this.#form.numbers.get(expression)!, expression.to.tensor)
      : this.idOf(expression.input)
  }

  /** Adds the unit that makes `id`, and all that it needs. */
  require(id: string): void {
    const root = this.#unitFor(id)
    if (!root) return
    // An explicit stack: a deep model would overflow the call stack.
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
      this.units.push(top.unit)
      for (const output of top.unit.outputs) if (output !== '') this.producers.set(output, top.unit)
    }
  }

  /** The unit that makes a value and is not yet added; undefined for inputs, weights, constants and what is given. */
  #unitFor(id: string): Unit | undefined {
    if (this.producers.has(id) || this.#given.has(id)) return undefined
    const pending = this.#pending.get(id)
    if (pending) return pending
    const produced = this.#program.graph.producer.get(id)
    if (!produced) return undefined
    return this.#nodeUnit(produced.node)
  }

  #add(unit: Unit): Unit {
    for (const output of unit.outputs) if (output !== '') this.#pending.set(output, unit)
    return unit
  }

  #nodeUnit(node: GraphNode): Unit {
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
      rewired,
    })
  }

  #resolveRead(read: TapRead): string {
    if (this.#resolving.has(read))
      throw new CycleError(read.tap.label, [read.mark, this.#writes.get(read.tap)?.[0]?.mark])
    this.#resolving.add(read)
    try {
      if (read.writes > 0) return this.#define(this.#writes.get(read.tap)![read.writes - 1].value)
      const path = this.#program.taps.pathTo(read.tap)
      return this.#arrivesAt(read.tap.tensor, path.slice(0, path.indexOf(read.tap)))
    } finally {
      this.#resolving.delete(read)
    }
  }

  /** What a value has become after the last write on its way. */
  #arrivesAt(tensor: string, path: readonly Tap[]): string {
    for (let i = path.length - 1; i >= 0; i--) {
      const writes = this.#writes.get(path[i])
      if (writes) return this.#define(writes[writes.length - 1].value)
    }
    return tensor
  }

  /** The id of a value, with the units for it ready to be added. */
  #define(value: Value): string {
    this.prepare(value)
    return this.idOf(value)
  }

  /** Makes the units for a recorded value known, without adding them. Chains of operations are of any length: no recursion along them. */
  prepare(value: Value): void {
    const pending = [value]
    for (let next = pending.at(-1); next; next = pending.at(-1)) {
      const before = this.#isPrepared(next) ? undefined : operationsInto(next).find(input => !this.#isPrepared(input))
      if (before) pending.push(before)
      else this.#prepareOne(pending.pop()!)
    }
  }

  #isPrepared({ expression }: Value): boolean {
    const id = resultId(this.#form.numbers.get(expression)!, 0)
    return this.#pending.has(id) || this.producers.has(id)
  }

  #prepareOne(value: Value): void {
    const { expression } = value
    const number = this.#form.numbers.get(expression)!
    if (expression.kind === 'operand') this.types.set(recordedId(this.#form, value), value.type)
    if (expression.kind === 'operation') {
      this.types.set(resultId(number, value.output), value.type)
      if (this.#pending.has(resultId(number, 0)) || this.producers.has(resultId(number, 0))) return
      const outputs = Array.from({ length: expression.outputs }, (_, i) => resultId(number, i))
      // Known before its inputs are resolved, so that a cycle through reads ends here and is found by the walk.
      const unit = {
        kind: 'operation' as const,
        operation: expression,
        expression: number,
        inputs: [] as string[],
        captures: [],
        outputs,
        rewired: false,
      }
      this.#add(unit)
      for (const input of expression.inputs) unit.inputs.push(input ? this.#define(input) : '')
    } else if (expression.kind === 'application') {
      this.#copy(expression, number)
    }
  }

  /** Whether the module computes anything between its taps. */
  #within(application: Application): boolean {
    return application.from.tensor !== application.to.tensor
  }

  /** The nodes between an application's taps once more, reading `input` in the place of the first tap. */
  #copy(application: Application, number: number): void {
    if (this.#copies.has(application) || !this.#within(application)) return
    const nodes = this.#program.nodesBetween(application.module, application.from.tensor, application.to.tensor)
    const own = new Set(nodes.flatMap(node => node.outputs))
    const units = new Map<string, Unit>()
    this.#copies.set(application, units)
    const input = this.#define(application.input)
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
        rewired: true,
      })
      for (const name of node.outputs) {
        const type = this.#program.typeOf(name)
        if (type) this.types.set(copyId(number, name), type)
      }
    }
  }

  /** The write that made a circle, and the lines to blame. */
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

function operationsInto({ expression }: Value): Value[] {
  if (expression.kind !== 'operation') return []
  return expression.inputs.filter((input): input is Value => input?.expression.kind === 'operation')
}

function readsInOrder(unit: Unit): string[] {
  return [...unit.inputs.filter(id => id !== ''), ...unit.captures.map(([, id]) => id)]
}

/** The reads that a recorded value is computed from. */
function readsBehind(value: Value): TapRead[] {
  const found = new Set<TapRead>()
  const seen = new Set<Expression>()
  const open: Expression[] = [value.expression]
  while (open.length > 0) {
    const expression = open.pop()!
    if (seen.has(expression)) continue
    seen.add(expression)
    if (expression.kind === 'read') found.add(expression)
    else if (expression.kind === 'application') open.push(expression.input.expression)
    else if (expression.kind === 'operation')
      for (const input of expression.inputs) if (input) open.push(input.expression)
  }
  return [...found]
}
