import type { Expression, Place, SliceEntry, Statement } from '../../language/template/ast.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import { TemplateError } from '../errors/template.ts'
import { recorderScope } from '../graph/recorder.ts'
import { handleOf, type ModuleHandle } from '../model/modules/module.ts'
import { skip } from '../model/skip.ts'
import { stateOf, Tensor } from '../tensor/tensor.ts'
import { toTensor } from '../tensor/values/convert.ts'
import type { BlockTrace } from '../tracing/blocks/block.ts'
import { binary, describe, isScalar, unary } from './arithmetic.ts'
import { call, callOperation, isOperation } from './calls.ts'
import { type Entry, indexOf, sliceOf } from './indexing.ts'
import { memberOf, Named, setMember } from './members.ts'
import { TemplateProblem } from './problem.ts'

export interface Setting {
  /** The model's proxy. */
  readonly model: unknown
  /** The trace that records the template. Without it, no value of the model can be read. */
  readonly trace?: BlockTrace
  /** The values of the `${…}`. */
  readonly holes: readonly unknown[]
  /** Notes the place whose values are being recorded. */
  readonly at: (place: Place) => void
  readonly variables?: Map<string, unknown>
  /** Receives the values that print() shows. @default console.log */
  readonly print?: (...values: unknown[]) => void
  /** Receives the values of lines that are only an expression, for the REPL. */
  readonly show?: (value: unknown) => void
}

/** Runs a template's statements in a trace, which records what they read and write. */
export class Interpreter {
  readonly #setting: Setting
  readonly #root: ModuleHandle
  readonly #variables: Map<string, unknown>
  readonly #saved = new Set<string>()

  constructor(setting: Setting) {
    this.#setting = setting
    this.#variables = setting.variables ?? new Map()
    this.#root = handleOf(setting.model)!
  }

  /** The saved values by name: the template's result. */
  get saved(): Record<string, Tensor> {
    return Object.fromEntries([...this.#saved].map(name => [name, this.#variables.get(name) as Tensor]))
  }

  async run(statements: readonly Statement[]): Promise<Record<string, Tensor>> {
    try {
      await this.#block(statements)
    } catch (error) {
      if (error instanceof RangeError && /call stack/.test(error.message))
        throw new TemplateError('This template is too deep to be run.', 'give parts of it names of their own')
      if (!(error instanceof TemplateProblem)) throw error
      const { message, fix } = error
      throw new TemplateError(`This template can't run: ${message}.`, fix)
    }
    return this.saved
  }

  /** Returns whether the statements ended at a `stop`. */
  async #block(statements: readonly Statement[]): Promise<boolean> {
    for (const statement of statements) {
      this.#setting.at(statement.at)
      if (await this.#statement(statement)) return true
    }
    return false
  }

  async #statement(statement: Statement): Promise<boolean> {
    switch (statement.kind) {
      case 'assign':
        this.#assign(statement)
        return false
      case 'save':
        this.#save(statement.name, statement.value)
        return false
      case 'skip':
        this.#skip(statement)
        return false
      case 'stop':
        return true
      case 'print':
        await this.#print(statement.values)
        return false
      case 'value':
        this.#setting.show?.(await this.#printable(this.#value(statement.value)))
        return false
      case 'for':
        for (const item of this.#items(statement)) {
          this.#variables.set(this.#freeName(statement.name), item)
          if (await this.#block(statement.body)) return true
        }
        return false
    }
  }

  #save(name: string, value: Expression | undefined): void {
    if (value) this.#variables.set(this.#freeName(name), this.#value(value))
    else if (!this.#variables.has(name)) throw this.#unknown(name)
    const tensor = toSaved(name, this.#variables.get(name))
    this.#variables.set(name, tensor)
    this.#setting.trace?.save(tensor)
    this.#saved.add(name)
  }

  #skip({ module, value, at }: Extract<Statement, { kind: 'skip' }>): void {
    const target = this.#value(module)
    if (!handleOf(target))
      throw new TemplateProblem(`${describe(target)} can’t be skipped`, 'skip a module: skip transformer.h[1]')
    const replacement = value && this.#value(value)
    this.#setting.at(at)
    skip(target as never, replacement as never)
  }

  async #print(values: readonly Expression[]): Promise<void> {
    if (this.#setting.trace?.isSilent) return
    const printed: unknown[] = []
    for (const value of values) printed.push(await this.#printable(this.#value(value)))
    const print = this.#setting.print ?? console.log
    print(...printed)
  }

  /** Returns a value that can be printed. For a tensor, it runs the model as far as the tensor needs. */
  async #printable(value: unknown): Promise<unknown> {
    const computed = value instanceof Tensor ? await value.value() : value
    // Without async context, the trace must be made current again after an await.
    if (this.#setting.trace) recorderScope().enter(this.#setting.trace)
    return handleOf(computed) ? String(computed) : computed
  }

  *#items(loop: Extract<Statement, { kind: 'for' }>): Iterable<unknown> {
    const { iterated } = loop
    if (iterated.kind === 'range') {
      const [start, stop] = [this.#bound(iterated.start), this.#bound(iterated.stop)]
      const step = iterated.step ? this.#bound(iterated.step) : 1
      if (step === 0) throw new TemplateProblem('a step can’t be 0', 'use a number other than 0')
      for (let i = start; step > 0 ? i < stop : i > stop; i += step) yield i
      return
    }
    const value = this.#value(iterated.value)
    const handle = handleOf(value)
    if (handle) yield* handle.modules
    else if (value instanceof Tensor || Array.isArray(value) || (ArrayBuffer.isView(value) && Symbol.iterator in value))
      yield* value as Iterable<unknown>
    else
      throw new TemplateProblem(
        `a for can’t go through ${describe(value)}`,
        'write for i in 0:4, or give it layers, a tensor or a list',
      )
  }

  #bound(expression: Expression): number {
    const value = this.#value(expression)
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw new TemplateProblem(`${describe(value)} can’t bound a for`, 'use integers: for i in 0:4')
  }

  #assign({ target, operator, value }: Extract<Statement, { kind: 'assign' }>): void {
    const combined = (current: () => unknown): unknown => {
      const before = operator ? current() : undefined
      const operand = this.#value(value)
      this.#setting.at(target.at)
      return operator ? binary(operator, before, operand) : operand
    }
    if (target.kind === 'name') {
      const name = this.#freeName(target.name)
      this.#variables.set(
        name,
        combined(() => this.#name(target.name)),
      )
    } else if (target.kind === 'member') {
      const object = this.#value(target.object)
      setMember(
        object,
        target.name,
        combined(() => memberOf(object, target.name)),
      )
    } else if (target.kind === 'index') this.#assignElement(target, combined)
  }

  #assignElement(
    { object: place, entries }: Extract<Expression, { kind: 'index' }>,
    combined: (current: () => unknown) => unknown,
  ): void {
    const object = this.#value(place)
    const slice = this.#entries(entries)
    if (object instanceof Named) {
      const [entry] = slice
      if (slice.length !== 1 || entry.kind !== 'value' || typeof entry.value !== 'string')
        throw new TemplateProblem('values are chosen by name', 'write outputs["name"] = …')
      const { value: name } = entry
      object.set(
        name as string,
        combined(() => object.get(name as string)),
      )
      return
    }
    if (!(object instanceof Tensor))
      throw new TemplateProblem(`an element of ${describe(object)} can’t be assigned`, 'assign to slices of tensors')
    const spec = sliceOf(slice)
    const value = combined(() => object.slice(spec))
    if (place.kind !== 'name') object.set(spec, value)
    else if (stateOf(object).isPlace)
      throw new TemplateProblem(
        `${place.name} is what was read at ${stateOf(object).label}, and does not change`,
        `write to the place itself, ${stateOf(object).label}[…] = …, or to a copy: ${place.name} = ${place.name}.clone()`,
      )
    else this.#variables.set(place.name, object.assign(spec, value as never))
  }

  /** Checks that a variable may have this name. The names of modules are not allowed. */
  #freeName(name: string): string {
    if (name !== 'model' && !this.#root.has(name)) return name
    throw new TemplateProblem(`${name} is a module of the model`, `choose another name, or assign to ${name}.output`)
  }

  #value(expression: Expression): unknown {
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'hole':
        return this.#setting.holes[expression.hole]
      case 'name':
        this.#setting.at(expression.at)
        return this.#name(expression.name)
      case 'list':
        return expression.items.map(item => this.#value(item))
      case 'unary': {
        const operand = this.#value(expression.operand)
        this.#setting.at(expression.at)
        return unary(expression.operator, operand)
      }
      case 'binary': {
        const [left, right] = [this.#value(expression.left), this.#value(expression.right)]
        this.#setting.at(expression.at)
        return binary(expression.operator, left, right)
      }
      case 'member': {
        const object = this.#value(expression.object)
        this.#setting.at(expression.at)
        return memberOf(object, expression.name)
      }
      case 'index': {
        const object = this.#value(expression.object)
        const entries = this.#entries(expression.entries)
        this.#setting.at(expression.at)
        return indexOf(object, entries)
      }
      case 'call':
        return this.#call(expression)
    }
  }

  #call({ callee, positional, named, at }: Extract<Expression, { kind: 'call' }>): unknown {
    const isBare = callee.kind === 'name' && !this.#has(callee.name)
    const target = isBare ? undefined : this.#value(callee)
    const args = {
      positional: positional.map(argument => this.#value(argument)),
      named: Object.fromEntries(named.map(({ name, value }) => [name, this.#value(value)])),
    }
    this.#setting.at(isBare ? callee.at : at)
    if (!isBare) return call(target, args)
    // A model may have a module called `model`, so node(…) also works without `model.` before it.
    if (callee.name === 'node') return call(memberOf(this.#setting.model, 'node'), args)
    return callOperation(callee.name, args, [...this.#root.scope.children.keys(), ...this.#root.scope.aliases.keys()])
  }

  #entries(entries: readonly SliceEntry[]): Entry[] {
    const optional = (part: Expression | undefined): unknown => part && this.#value(part)
    return entries.map(entry => {
      if (entry.kind === 'value') return { kind: 'value', value: this.#value(entry.value) }
      if (entry.kind !== 'range') return entry
      return { kind: 'range', start: optional(entry.start), stop: optional(entry.stop), step: optional(entry.step) }
    })
  }

  #has(name: string): boolean {
    return this.#variables.has(name) || name === 'model' || this.#root.has(name)
  }

  #name(name: string): unknown {
    if (this.#variables.has(name)) return this.#variables.get(name)
    if (this.#root.has(name)) return this.#root.child(name)
    if (name === 'model') return this.#setting.model
    throw this.#unknown(name)
  }

  /** Advice for an unknown name. A console can't get values from JavaScript code. */
  #bringing(name: string): string {
    return this.#setting.show ? `assign it first: ${name} = …` : `JavaScript values come in as \${${name}}`
  }

  #unknown(name: string): TemplateProblem {
    if (isOperation(name)) return new TemplateProblem(`${name} is an operation, and was not called`, `write ${name}(h)`)
    if (/^(u?int|float|bfloat|bool|string)\d*$/.test(name))
      return new TemplateProblem(`there is no ${name}`, `a dtype is text: "${name}"`)
    const known = [...this.#variables.keys(), ...this.#root.scope.children.keys(), ...this.#root.scope.aliases.keys()]
    const near = nearestNames(name, known)
    return new TemplateProblem(
      `there is no ${name}`,
      near.length > 0 ? `did you mean ${near.join(', ')}?` : this.#bringing(name),
    )
  }
}

/** Converts a value to the tensor that is saved. @throws TemplateProblem for a value that can't become a tensor */
function toSaved(name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value
  const handle = handleOf(value)
  if (handle)
    throw new TemplateProblem(`${name} is a module`, `save what leaves it: save ${name} = ${handle.path}.output`)
  if (isScalar(value) || ArrayBuffer.isView(value)) return toTensor(value as number)
  if (Array.isArray(value) && !value.flat(Number.POSITIVE_INFINITY).some(item => item instanceof Tensor))
    return toTensor(value)
  const fix = Array.isArray(value)
    ? `make it one: save ${name} = stack([a, b])`
    : `take one part: save ${name} = topk(h, 3).values`
  throw new TemplateProblem(`${name} is ${describe(value)} and no tensor`, fix)
}
