import { Constant, type Dims, Operand, Operation, Value } from '../../runtime/graph/expression.ts'
import type { TensorData } from '../../runtime/tensor/dtypes/data.ts'

/** A value cannot be computed for all jobs at once. Then the jobs run as parts of one recording, or alone. */
export class NotStackable extends Error {}

/**
 * A value of many jobs.
 * - `same`: it is equal for all of them.
 * - `rows`: the rows of all jobs lie below each other on its first axis, where a job alone has its own rows.
 * - `front`: it has an axis of jobs before those that it has in a job alone.
 */
export type Layout = 'same' | 'rows' | 'front'

export interface Stacked {
  readonly value: Value
  readonly layout: Layout
  /** The dims in one job alone. */
  readonly dims: Dims
}

/** Makes operations on values of many jobs. */
export class Stacking {
  /** How many jobs there are. It is never part of what is recorded, so that one plan serves any number of jobs. */
  readonly jobs: number
  /** The rows of each job. */
  readonly rows: number

  constructor(jobs: number, rows: number) {
    this.jobs = jobs
    this.rows = rows
  }

  /** A value with the dims that it has in one job, and its layout. */
  make(operation: Operation, output: number, { type, dims }: Value, layout: Layout): Stacked {
    if (!dims || (layout === 'rows' && dims[0] !== this.rows)) throw new NotStackable()
    return { value: new Value(operation, output, type, this.#dims(dims, layout)), layout, dims }
  }

  #dims(dims: Dims, layout: Layout): Dims {
    if (layout === 'same') return dims
    return layout === 'rows' ? [undefined, ...dims.slice(1)] : [undefined, ...dims]
  }

  #one(opType: string, of: Stacked, more: readonly Value[], dims: Dims, layout: Layout): Stacked {
    const operation = new Operation(opType, '', [of.value, ...more], {}, 1, markOf(of.value))
    return this.make(operation, 0, new Value(operation, 0, of.value.type, dims), layout)
  }

  /** The same value for each job, on an axis of jobs. */
  toFront(of: Stacked): Stacked {
    if (of.layout === 'front') return of
    if (of.layout === 'rows') {
      this.#assertOneRow()
      return this.#one('Unsqueeze', of, [ints([1])], of.dims, 'front')
    }
    const [first, ...rest] = [this.jobs, ...of.dims.map(() => 1)]
    return this.#one('Expand', of, [operand([first, ...rest])], of.dims, 'front')
  }

  /** The rows of all jobs below each other, with as many axes as other values of `rank` axes. */
  toRows(of: Stacked, rank = of.dims.length): Stacked {
    if (rank < 1 || of.dims.length > rank) throw new NotStackable()
    if (of.layout === 'rows') {
      // Values of fewer axes would meet others at their last ones.
      if (of.dims.length !== rank) throw new NotStackable()
      return of
    }
    if (of.layout === 'same') {
      if (of.dims.length !== rank || of.dims[0] !== this.rows) throw new NotStackable()
      return this.#one('Tile', of, [operand([this.jobs, ...Array<number>(rank - 1).fill(1)])], of.dims, 'rows')
    }
    this.#assertOneRow()
    const missing = rank - of.dims.length
    const dims = [...Array<number>(missing).fill(1), ...of.dims]
    if (missing === 0) {
      if (of.dims[0] !== 1) throw new NotStackable()
      return this.#one('Squeeze', of, [ints([1])], dims, 'rows')
    }
    if (missing === 1) return { ...of, layout: 'rows', dims }
    const axes = Array.from({ length: missing - 1 }, (_, i) => i + 1)
    return this.#one('Unsqueeze', of, [ints(axes)], dims, 'rows')
  }

  /** A value that differs from job to job. */
  different(all: readonly TensorData[]): Stacked {
    this.#assertOneRow()
    const [first] = all
    if (Array.isArray(first.data) || all.some(({ dims }) => dims.join() !== first.dims.join())) throw new NotStackable()
    const length = first.data.length
    const data = new (first.data.constructor as Float32ArrayConstructor)(length * all.length)
    for (const [i, one] of all.entries()) data.set(one.data as Float32Array, i * length)
    const stacked = new Operand({ type: first.type, dims: [all.length, ...first.dims], data })
    const value = new Value(stacked, 0, first.type, [undefined, ...first.dims])
    return { value, layout: 'front', dims: first.dims }
  }

  #assertOneRow(): void {
    if (this.rows !== 1) throw new NotStackable()
  }
}

const markOf = ({ expression }: Value): Operation['mark'] => ('mark' in expression ? expression.mark : undefined)

const int64 = (values: readonly number[]): TensorData => ({
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
})

/** Numbers that are part of the plan. */
export const ints = (values: readonly number[]): Value =>
  new Value(new Constant(int64(values)), 0, 'int64', [values.length])

/** Numbers that may differ from run to run. */
export const operand = (values: readonly number[]): Value =>
  new Value(new Operand(int64(values)), 0, 'int64', [values.length])

/** The elements of a value that is the same in each job and known before the run: axes, sizes, indices. */
export function known({ value: { expression } }: Stacked): TensorData {
  if (expression.kind !== 'operand' && expression.kind !== 'constant') throw new NotStackable()
  return expression.data
}

export const knownInts = (of: Stacked): number[] => Array.from(known(of).data as BigInt64Array, Number)
