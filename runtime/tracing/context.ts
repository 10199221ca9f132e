import { ConditionError } from '../errors/trace.ts'
import { recorderScope } from '../graph/recorder.ts'
import { operators } from '../tensor/operators.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Info } from './info.ts'
import { untilStop } from './stop.ts'
import type { Tracer } from './tracer.ts'

/** What a compiled block calls: one for each trace. The macro writes the calls. */
export class BlockContext {
  readonly #tracer: Tracer
  readonly #info: Info

  constructor(tracer: Tracer, info: Info) {
    this.#tracer = tracer
    this.#info = info
  }

  pull(): Record<string, unknown> {
    return this.#tracer.pull()
  }

  push(state: Record<string, unknown>): void {
    this.#tracer.push(state)
  }

  /** Runs the block's own text; stop() ends it early, with the variables as they are. */
  run<R>(body: () => R | Promise<R>): Promise<R | undefined> {
    return untilStop(body)
  }

  at(line: number, column: number): void {
    this.#tracer.at(line, column, this.#info)
  }

  /** Before an await: what runs meanwhile is not in this trace. */
  suspend<T>(value: T): T {
    recorderScope().enter(this.#tracer.outer)
    return value
  }

  /** After an await: the tracer is current again. */
  resume<T>(value?: T): T {
    if (!this.#tracer.finished) recorderScope().enter(this.#tracer)
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
        this.#tracer.mark()?.position(),
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
      this.#tracer.mark()?.position(),
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
