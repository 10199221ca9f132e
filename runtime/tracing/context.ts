import { ConditionError } from '../errors/trace.ts'
import type { Mark } from '../graph/expression.ts'
import { operators } from '../tensor/operators.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Info } from './info.ts'
import { untilStop } from './stop.ts'

/** Who runs a compiled block: a trace, or a session of several. */
export interface BlockOwner {
  pull(): Record<string, unknown>
  push(state: Readonly<Record<string, unknown>>): void
  at(line: number, column: number, info: Info): void
  mark(): Mark | undefined
  /** Before an await: what runs meanwhile is not in the block. */
  suspend(): void
  /** After an await: the block is current again. */
  resume(): void
  /** stop() has ended the block. */
  stopped?(): void
}

/** What a compiled block calls: one for each trace. The macro writes the calls. */
export class BlockContext {
  readonly #owner: BlockOwner
  readonly #info: Info

  constructor(owner: BlockOwner, info: Info) {
    this.#owner = owner
    this.#info = info
  }

  pull(): Record<string, unknown> {
    return this.#owner.pull()
  }

  push(state: Record<string, unknown>): void {
    this.#owner.push(state)
  }

  /** Runs the block's own text; stop() ends it early, with the variables as they are. */
  run<R>(body: () => R | Promise<R>): Promise<R | undefined> {
    return untilStop(body, () => this.#owner.stopped?.())
  }

  at(line: number, column: number): void {
    this.#owner.at(line, column, this.#info)
  }

  /** Before an await: what runs meanwhile is not in this trace. */
  suspend<T>(value: T): T {
    this.#owner.suspend()
    return value
  }

  /** After an await: the tracer is current again. */
  resume<T>(value?: T): T {
    this.#owner.resume()
    return value as T
  }

  isTensor(value: unknown): value is Tensor {
    return value instanceof Tensor
  }

  /** Forces a condition on a tensor. @throws ConditionError if it has more than one element */
  async truth(value: unknown): Promise<boolean> {
    if (!(value instanceof Tensor)) return Boolean(value)
    const { data, dims } = (await value.value()).held()
    if (data.length !== 1) {
      throw new ConditionError(
        `A condition needs one truth value, and ${value.label} has ${data.length} (${dims.join(' × ')}).`,
        'say what you mean: h.any() or h.all(), or pick one element',
        this.#owner.mark()?.position(),
      )
    }
    return Boolean(typeof data[0] === 'bigint' ? data[0] !== 0n : data[0])
  }

  truthSync(value: unknown): boolean {
    if (!(value instanceof Tensor)) return Boolean(value)
    if (value.computed) return Boolean(value.item())
    throw new ConditionError(
      `${value.label} was used as a condition in a function that can't wait for it.`,
      'make the function async, or use where(condition, a, b)',
      this.#owner.mark()?.position(),
    )
  }

  readonly add = operators.add
  readonly sub = operators.sub
  readonly mul = operators.mul
  readonly div = operators.div
  readonly mod = operators.mod
  readonly pow = operators.pow
  readonly neg = operators.neg
  readonly lt = operators.lt
  readonly le = operators.le
  readonly gt = operators.gt
  readonly ge = operators.ge
  readonly eq = operators.eq
  readonly ne = operators.ne
  readonly looseEq = operators.looseEq
  readonly looseNe = operators.looseNe
}
