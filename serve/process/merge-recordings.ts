import type { ValueShape } from '../../runtime/engine/scanning/value-shape.ts'
import {
  Constant,
  type Expression,
  Operation,
  type Recording,
  type Tap,
  TapRead,
  Value,
  type Write,
} from '../../runtime/graph/expression.ts'

type Shapes = ReadonlyMap<string, ValueShape>

/** One recording of a batch, and the rows that are its own. */
export interface Part {
  readonly recording: Recording
  readonly start: number
  readonly count: number
  /** Dims of the model's values if it ran alone. */
  readonly alone: Shapes
}

/**
 * One recording that does for each part, in its own rows of the batch, what its recording does alone. Reads take the rows of the part; a write
 * puts its rows beside those of the others.
 * @param together dims of the model's values for the whole batch
 * @returns undefined if some part can't share a batch: it applies modules, asks for gradients, or reaches a value without an axis of rows
 */
export function mergeRecordings(parts: readonly Part[], together: Shapes): Recording | undefined {
  try {
    return new Merge(parts, together).recording()
  } catch (error) {
    if (error instanceof NotMergeable) return undefined
    throw error
  }
}

class NotMergeable extends Error {}

const ints = (...values: number[]): Value =>
  new Value(
    new Constant({ type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) }),
    0,
    'int64',
    [values.length],
  )

class Merge {
  readonly #parts: readonly Part[]
  readonly #together: Shapes
  readonly #mapped: Map<Expression, Expression>[]
  readonly #going: Set<Expression>[]

  constructor(parts: readonly Part[], together: Shapes) {
    this.#parts = parts
    this.#together = together
    this.#mapped = parts.map(() => new Map())
    this.#going = parts.map(() => new Set())
  }

  recording(): Recording {
    const [{ recording: first }] = this.#parts
    const taps = new Set(this.#parts.flatMap(({ recording }) => [...recording.writes.keys()]))
    const writes = new Map([...taps].map(tap => [tap, [this.#write(tap)]] as const))
    const wanted = this.#parts.flatMap(({ recording }, part) => recording.wanted.map(value => this.#value(value, part)))
    return { owner: first.owner, writes, wanted }
  }

  #write(tap: Tap): Write {
    if (!this.#hasRows(tap)) throw new NotMergeable()
    const rows: Value[] = []
    let mark: Write['mark']
    this.#parts.forEach(({ recording, count }, part) => {
      const last = recording.writes.get(tap)?.at(-1)
      mark ??= last?.mark
      const value = last ? this.#value(last.value, part) : this.#read(tap, part, undefined)
      if (value.dims?.[0] !== count) throw new NotMergeable()
      rows.push(value)
    })
    const shape = this.#together.get(tap.tensor)!
    const all = new Operation('Concat', '', rows, { axis: { int: 0 } }, 1, mark)
    return { value: new Value(all, 0, shape.type, shape.dims), mark }
  }

  #value({ expression, output, type, dims }: Value, part: number): Value {
    if (expression.kind === 'read') {
      const { tap, writes, mark } = expression
      const written = writes > 0 ? this.#parts[part].recording.writes.get(tap)?.[writes - 1] : undefined
      if (written) return this.#value(written.value, part)
      return this.#read(tap, part, mark)
    }
    return new Value(this.#expression(expression, part), output, type, dims)
  }

  /** Recordings are no deeper than their limit of nodes, so that a recursion ends. */
  #expression(expression: Expression, part: number): Expression {
    if (expression.kind === 'operand' || expression.kind === 'constant') return expression
    if (expression.kind !== 'operation') throw new NotMergeable()
    const known = this.#mapped[part].get(expression)
    if (known) return known
    if (this.#going[part].has(expression)) throw new NotMergeable()
    this.#going[part].add(expression)
    const mapped = expression.on(expression.inputs.map(input => input && this.#value(input, part)))
    this.#mapped[part].set(expression, mapped)
    return mapped
  }

  #read(tap: Tap, part: number, mark: Write['mark']): Value {
    const { recording, start, count, ...own } = this.#parts[part]
    const alone = own.alone.get(tap.tensor)
    const together = this.#together.get(tap.tensor)
    if (!alone?.dims || !together?.dims) throw new NotMergeable()
    const value = new Value(new TapRead(tap, 0, recording.owner!, mark), 0, together.type, together.dims)
    if (alone.dims.join() === together.dims.join()) return value
    if (!this.#hasRows(tap)) throw new NotMergeable()
    const rows = new Operation('Slice', '', [value, ints(start), ints(start + count), ints(0)], {}, 1, mark)
    return new Value(rows, 0, alone.type, alone.dims)
  }

  /** Whether the first axis of a value has a row for each row of the inputs, and no other axis depends on them. */
  #hasRows(tap: Tap): boolean {
    const together = this.#together.get(tap.tensor)?.dims
    const total = this.#parts.reduce((sum, { count }) => sum + count, 0)
    return this.#parts.every(({ count, ...own }) => {
      const alone = own.alone.get(tap.tensor)?.dims
      if (!alone || !together || alone.length !== together.length || alone[0] !== count || together[0] !== total)
        return false
      return alone.every((dim, axis) => axis === 0 || (dim !== undefined && dim === together[axis]))
    })
  }
}
