import type { ValueShape } from '../../runtime/engine/scanning/value-shape.ts'
import {
  Application,
  type Expression,
  inputsOf,
  type Recording,
  type Tap,
  Value,
  type Write,
} from '../../runtime/graph/expression.ts'
import type { NormalForm } from '../../runtime/graph/normalise.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'
import { stackOperation } from './stack-rules.ts'
import { type Layout, NotStackable, type Stacked, Stacking } from './stacked.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/** One of the jobs that do the same, but for their inputs and numbers. */
export interface StackedJob {
  readonly recording: Recording
  readonly form: NormalForm
}

export interface StackedRecording {
  readonly recording: Recording
  /** How the values of the jobs lie in each wanted value. */
  readonly layouts: readonly Layout[]
}

/**
 * One recording that does for all jobs at once what theirs, which have the same key, do for each alone. It does not depend on the number of jobs, so
 * its plan serves any number.
 * @param rows the rows of each job
 * @param alone the dims of the model's values in one job
 * @param twice the same in two
 * @returns undefined if something in it would mix the jobs, or no rule tells how to compute it for all at once
 */
export function stackRecordings(
  jobs: readonly StackedJob[],
  rows: number,
  alone: Shapes,
  twice: Shapes,
): StackedRecording | undefined {
  // Numbers of the jobs that happen to be equal are first taken for different ones: then the next jobs, or a single one, take the same plan.
  for (const mayDiffer of rows === 1 ? (['all', 'numbers', 'none'] as const) : (['none'] as const)) {
    try {
      return new Stack(jobs, new Stacking(jobs.length, rows), { alone, twice, mayDiffer }).recording()
    } catch (error) {
      if (!(error instanceof NotStackable)) throw error
    }
  }
  return undefined
}

interface StackOptions {
  readonly alone: Shapes
  readonly twice: Shapes
  /** Which operands count as different from job to job, also those that are equal: all, numbers alone (no weights of a product), or none. */
  readonly mayDiffer: 'all' | 'numbers' | 'none'
}

class Stack {
  readonly #jobs: readonly StackedJob[]
  readonly #stacking: Stacking
  readonly #options: StackOptions
  readonly #stacked = new Map<Expression, readonly (Stacked | undefined)[]>()

  constructor(jobs: readonly StackedJob[], stacking: Stacking, options: StackOptions) {
    this.#jobs = jobs
    this.#stacking = stacking
    this.#options = options
  }

  recording(): StackedRecording {
    const [{ recording, form }] = this.#jobs
    const results = resultsOf(recording, form)
    for (const expression of form.order)
      this.#stacked.set(expression, this.#stack(expression, results.get(expression) ?? []))
    const writes = new Map([...recording.writes].map(([tap, all]) => [tap, all.map(write => this.#write(tap, write))]))
    const wanted = recording.wanted.map(value => this.#of(value))
    return {
      recording: { owner: recording.owner, writes, wanted: wanted.map(({ value }) => value) },
      layouts: wanted.map(({ layout }) => layout),
    }
  }

  #of({ expression, output }: Value): Stacked {
    const stacked = this.#stacked.get(expression)?.[output]
    if (!stacked) throw new NotStackable()
    return stacked
  }

  #stack(expression: Expression, results: readonly Value[]): readonly (Stacked | undefined)[] {
    switch (expression.kind) {
      case 'operand': {
        const all = this.#jobs.map(({ form }) => form.operands[this.#operandNumber(expression)])
        const [first] = all
        const { mayDiffer } = this.#options
        const isNumber = mayDiffer === 'all' || (mayDiffer === 'numbers' && first.data.length === 1)
        const differs = isNumber && /float/.test(first.type)
        if (differs || all.some(data => !isEqual(data, first))) return [this.#stacking.different(all)]
        return [{ value: new Value(expression, 0, first.type, first.dims), layout: 'same', dims: first.dims }]
      }
      case 'constant': {
        const { type, dims } = expression.data
        return [{ value: new Value(expression, 0, type, dims), layout: 'same', dims }]
      }
      case 'read':
        return [this.#atTap(expression.tap, expression)]
      case 'application': {
        const { module, from, to, input, owner, mark } = expression
        const read = this.#of(input)
        const own = this.#atTap(from, expression)
        if (own.layout !== 'rows' || read.layout !== 'rows' || !isSame(read.dims, own.dims)) throw new NotStackable()
        const result = this.#atTap(to, new Application(module, from, to, read.value, owner, mark))
        if (result.layout !== 'rows') throw new NotStackable()
        return [result]
      }
      case 'operation': {
        const inputs = expression.inputs.map(input => input && this.#of(input))
        return stackOperation({ operation: expression, inputs, results, stacking: this.#stacking })
      }
      default:
        throw new NotStackable()
    }
  }

  #operandNumber(expression: Expression): number {
    return this.#jobs[0].form.operandNumbers.get(expression)!
  }

  /** A value that has the dims of a place. */
  #atTap(tap: Tap, expression: Expression): Stacked {
    const [alone, twice] = [this.#options.alone.get(tap.tensor), this.#options.twice.get(tap.tensor)]
    if (!alone?.dims || !twice?.dims || alone.dims.includes(undefined)) throw new NotStackable()
    const { type, dims } = alone
    if (isSame(dims, twice.dims)) return { value: new Value(expression, 0, type, dims), layout: 'same', dims }
    const { rows } = this.#stacking
    if (dims[0] !== rows || twice.dims[0] !== 2 * rows || !isSame(dims.slice(1), twice.dims.slice(1)))
      throw new NotStackable()
    return { value: new Value(expression, 0, type, [undefined, ...dims.slice(1)]), layout: 'rows', dims }
  }

  #write(tap: Tap, { value, mark }: Write): Write {
    const written = this.#of(value)
    const place = this.#atTap(tap, value.expression)
    if (!isSame(written.dims, place.dims)) throw new NotStackable()
    if (place.layout === 'rows') return { value: this.#stacking.toRows(written).value, mark }
    if (written.layout !== 'same') throw new NotStackable()
    return { value: written.value, mark }
  }
}

/** The results of each expression, with the dtypes and dims that its readers state. */
function resultsOf(recording: Recording, { order }: NormalForm): ReadonlyMap<Expression, readonly Value[]> {
  const results = new Map<Expression, Value[]>()
  const note = (value: Value | undefined): void => {
    if (!value) return
    const all = results.get(value.expression) ?? []
    all[value.output] ??= value
    results.set(value.expression, all)
  }
  for (const expression of order) inputsOf(expression).forEach(note)
  for (const writes of recording.writes.values()) for (const { value } of writes) note(value)
  recording.wanted.forEach(note)
  return results
}

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim !== undefined && dim === b[axis])

function isEqual(a: TensorData, b: TensorData): boolean {
  if (a.dims.join() !== b.dims.join() || a.data.length !== b.data.length) return false
  if (Array.isArray(a.data)) return a.data.every((text, i) => text === b.data[i])
  return bytesOf(a).equals(bytesOf(b))
}

const bytesOf = ({ data }: TensorData): Buffer => {
  const { buffer, byteOffset, byteLength } = data as Float32Array
  return Buffer.from(buffer, byteOffset, byteLength)
}
