import { cat, grad, iter, type Model, stack, type Tensor, where } from 'onnsight'
import type { Case, Edit, Expression, InputKeys, TapName } from './case.ts'

type Operand = Tensor | number
type Read = Extract<Expression, { read: TapName }>

/** Runs cases through the public API. Each is one trace that reads and writes at taps. */
export class Evaluator {
  readonly #model: Model
  readonly #tensors: ReadonlyMap<string, Tensor>
  readonly #otherRuns = new Map<string, Tensor>()

  constructor(model: Model, tensors: ReadonlyMap<string, Tensor>) {
    this.#model = model
    this.#tensors = tensors
  }

  /** Runs one pass with edits, and returns the values that were read. */
  async run(
    inputs: InputKeys,
    edits: readonly Edit[],
    reads: Readonly<Record<string, Expression>>,
  ): Promise<Record<string, Tensor>> {
    const everything = [...edits.map(edit => edit.value), ...Object.values(reads)]
    for (const read of everything.flatMap(findReads)) if (read.inputs) await this.#otherRun(read)
    return this.#model.trace(this.#inputs(inputs), model => {
      const pass = new Pass(model, this.#tensors, this.#otherRuns)
      for (const read of everything.flatMap(findReads)) if (read.before) pass.rememberBefore(read.read)
      for (const edit of inOrder(edits)) pass.edit(edit)
      return Object.fromEntries(
        Object.entries(reads).map(([name, expression]) => [name, pass.evaluate(expression) as Tensor]),
      )
    })
  }

  /** Runs one trace with edits, and returns the loss and its gradient at each place. */
  async gradients(
    inputs: InputKeys,
    edits: readonly Edit[],
    { loss, at }: NonNullable<Case['gradients']>,
  ): Promise<Record<string, Tensor>> {
    const everything = [...edits.map(edit => edit.value), loss].flatMap(findReads)
    for (const read of everything) if (read.inputs) await this.#otherRun(read)
    return this.#model.trace(this.#inputs(inputs), model => {
      const pass = new Pass(model, this.#tensors, this.#otherRuns)
      for (const read of everything) if (read.before) pass.rememberBefore(read.read)
      for (const edit of inOrder(edits)) pass.edit(edit)
      const value = pass.evaluate(loss) as Tensor
      const places = Object.fromEntries(Object.entries(at).map(([name, tap]) => [name, tapOf(model, tap).output]))
      return { loss: value, ...grad(value, places) }
    })
  }

  /** Decodes greedily, with the edits in every step, or in the steps that they name. */
  async generate(inputs: InputKeys, edits: readonly Edit[], tokens: number): Promise<Record<string, Tensor>> {
    const { ids, values } = await this.#model.generate(this.#inputs(inputs), { maxNewTokens: tokens }, model => {
      const pass = new Pass(model, this.#tensors, this.#otherRuns)
      for (const edit of inOrder(edits)) iter(edit.steps ?? ':', () => pass.edit(edit))
      return model.lm_head.output.slice(':, -1')
    })
    return { ids, last_logits: values.at(-1)! }
  }

  async #otherRun(read: Read): Promise<void> {
    const key = JSON.stringify([read.read, read.inputs])
    if (this.#otherRuns.has(key)) return
    const value = await this.#model.trace(
      this.#inputs(read.inputs as InputKeys),
      model => tapOf(model, read.read).output,
    )
    this.#otherRuns.set(key, value)
  }

  #inputs(inputs: InputKeys): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(inputs).map(([name, { tensor }]) => [name, this.#tensors.get(tensor)!]))
  }
}

class Pass {
  readonly #model: Model
  readonly #tensors: ReadonlyMap<string, Tensor>
  readonly #otherRuns: ReadonlyMap<string, Tensor>
  readonly #before = new Map<string, Tensor>()
  #current: Tensor | undefined

  constructor(model: Model, tensors: ReadonlyMap<string, Tensor>, otherRuns: ReadonlyMap<string, Tensor>) {
    this.#model = model
    this.#tensors = tensors
    this.#otherRuns = otherRuns
  }

  rememberBefore(tap: TapName): void {
    this.#before.set(JSON.stringify(tap), tapOf(this.#model, tap).output)
  }

  edit({ at, slice, do: how, value }: Edit): void {
    const place = tapOf(this.#model, at)
    const current = slice ? place.output.slice(slice) : place.output
    this.#current = current
    const operand = sameType(this.evaluate(value), current)
    const changed = how === 'set' ? operand : how === 'add' ? current.add(operand) : current.mul(operand)
    if (slice) place.output.set(slice, changed)
    else place.output = changed as Tensor
    this.#current = undefined
  }

  evaluate(expression: Expression): Operand {
    if (typeof expression === 'number') return expression
    if ('tensor' in expression) return this.#tensors.get(expression.tensor)!
    if ('current' in expression) return this.#current!
    if ('read' in expression) {
      const value = this.#read(expression)
      return expression.slice ? value.slice(expression.slice) : value
    }
    if ('apply' in expression) {
      const input = this.evaluate(expression.to) as Tensor
      return expression.apply.reduce((value, path) => this.#model.module(path)(value), input)
    }
    return operation(
      expression,
      expression.args.map(arg => this.evaluate(arg)),
    )
  }

  #read({ read, before, inputs }: Read): Tensor {
    if (inputs) return this.#otherRuns.get(JSON.stringify([read, inputs]))!
    return before ? this.#before.get(JSON.stringify(read))! : tapOf(this.#model, read).output
  }
}

/** A place with a value that can be read and written, on either side of a module. */
function tapOf(model: Model, { module, point, op }: TapName): { output: Tensor } {
  const found = model.module(module)
  if (op) return found.ops[op][0]
  if (point === 'output') return found
  return {
    get output() {
      return found.input
    },
    set output(value: Tensor) {
      found.input = value
    },
  }
}

/** Sorts edits in the order of the pass: each comes after those at the places that its value reads. */
function inOrder(edits: readonly Edit[]): Edit[] {
  const key = (tap: TapName): string => JSON.stringify([tap.module, tap.op ?? tap.point])
  const done: Edit[] = []
  const visit = (edit: Edit): void => {
    if (done.includes(edit)) return
    const needed = new Set(
      findReads(edit.value)
        .filter(read => !read.inputs && !read.before)
        .map(read => key(read.read)),
    )
    for (const other of edits) if (key(other.at) !== key(edit.at) && needed.has(key(other.at))) visit(other)
    done.push(edit)
  }
  for (const edit of edits) visit(edit)
  return done
}

function findReads(expression: Expression): Read[] {
  if (typeof expression !== 'object') return []
  if ('read' in expression) return [expression]
  if ('apply' in expression) return findReads(expression.to)
  return 'args' in expression ? expression.args.flatMap(findReads) : []
}

/** Casts an operand to the dtype of the model's value: the cases' tensors are float32, also if the model is float16. */
function sameType(value: Operand, like: Tensor): Operand {
  return typeof value === 'number' || value.type === like.type ? value : value.to(like.type)
}

function operation(expression: Extract<Expression, { fn: string }>, args: readonly Operand[]): Tensor {
  const [a, b, c] = args as Tensor[]
  const keepdim = { keepdim: expression.keepdims ?? false }
  switch (expression.fn) {
    case 'add':
    case 'mul':
      return typeof a === 'number' ? b[expression.fn](a) : a[expression.fn](b)
    case 'sub':
      return typeof a === 'number' ? b.rsub(a) : a.sub(b)
    case 'div':
      return typeof a === 'number' ? b.rdiv(a) : a.div(b)
    case 'greater':
      return typeof a === 'number' ? b.lt(a) : a.gt(b)
    case 'matmul':
      return a.matmul(b)
    case 'relu':
    case 'tanh':
    case 'sqrt':
    case 'exp':
    case 'sigmoid':
    case 'abs':
      return a[expression.fn]()
    case 'where':
      return where(a, b, c)
    case 'softmax':
      return a.softmax(expression.axis!)
    case 'log_softmax':
      return a.logSoftmax(expression.axis!)
    case 'argmax':
      return a.argmax(expression.axis!)
    case 'stack':
      return stack(args, expression.axis)
    case 'concat':
      return cat(args, expression.axis)
    case 'mean':
      return a.mean(expression.axes!, keepdim)
    case 'sum':
      return a.sum(expression.axes!, keepdim)
    case 'transpose':
      return a.permute(expression.axes!)
    case 'reshape':
      return a.reshape(expression.dims!)
    default:
      throw new Error(`The cases' operation ${expression.fn} is not known.`)
  }
}

/** The cases of one sweep, in which every name in braces is replaced by its number. */
export function sweepPasses({ sweep }: Case): { edits: Edit[]; measure: Expression }[] {
  const names = Object.entries(sweep!.over)
  const passes: { edits: Edit[]; measure: Expression }[] = []
  const fill = (bound: Record<string, number>, rest: typeof names): void => {
    if (rest.length === 0) {
      const text = JSON.stringify([sweep!.edits, sweep!.measure]).replace(/\{(\w+)\}/g, (all, name) =>
        String(bound[name] ?? all),
      )
      const [edits, measure] = JSON.parse(text) as [Edit[], Expression]
      passes.push({ edits, measure })
      return
    }
    const [[name, count], ...others] = rest
    for (let i = 0; i < count; i++) fill({ ...bound, [name]: i }, others)
  }
  fill({}, names)
  return passes
}
