import type { SourcePosition } from '../../errors/error.ts'
import { ConditionError } from '../../errors/trace.ts'
import type { Mark } from '../../graph/expression.ts'
import { currentRecorder } from '../../graph/recorder.ts'
import { checkedCallback, plainKey, plainLength } from '../../tensor/members/tensors-in-javascript.ts'
import { operators } from '../../tensor/operators.ts'
import { stateOf, Tensor } from '../../tensor/tensor.ts'
import { CallScope } from '../scopes/call-scope.ts'
import type { FrameReach, FrameVariable } from './frame.ts'
import { decodeInfo, type Info } from './info.ts'
import { LineMark } from './mark.ts'
import { untilStop } from './stop.ts'

/** The owner of a compiled block: a trace, or a session of several traces. */
export interface BlockOwner {
  pull(): Record<string, unknown>
  push(state: Readonly<Record<string, unknown>>): void
  mark(): Mark | undefined
  /** Called when the block's text begins: its lines are noted from now on. */
  textBegun?(info: Info): void
  /** Called when the block's text has ended: it assigns nothing any more. */
  textEnded?(): void
  /** Called when stop() has ended the block. */
  stopped?(): void
}

/** How a block uses the scope around it. */
export interface OuterScope extends FrameReach {
  readonly frame?: Readonly<Record<string, FrameVariable>>
}

/** A block's text as a function of the context, of the values of the outer variables that it assigns, and of the block's own parameters. */
export type CompiledBody = (context: BlockContext, ...values: unknown[]) => unknown

/** A block as the macro compiled it. The info is as `encodeBlockText` writes it. */
export type CompiledBlock = readonly [info: string, body: CompiledBody, outer?: OuterScope]

/** The functions that a compiled block calls. The macro writes the calls. Each trace has its own context. */
export class BlockContext {
  readonly #owner: BlockOwner
  readonly #info: Info
  #kept: (() => readonly unknown[]) | undefined

  constructor(owner: BlockOwner, info: Info) {
    this.#owner = owner
    this.#info = info
  }

  /**
   * Runs the block's text on the values of the outer variables that it assigns, and hands their final values to the owner. stop() ends the
   * text early, with the variables as they are then.
   */
  async run([info, body]: CompiledBlock, ...parameters: unknown[]): Promise<unknown> {
    const owner = this.#owner
    const { pulled = [] } = decodeInfo(info)
    const state = pulled.length > 0 ? owner.pull() : {}
    owner.textBegun?.(this.#info)
    let result: unknown
    try {
      result = await untilStop(
        () => body(this, ...pulled.map(name => state[name]), ...parameters),
        () => owner.stopped?.(),
      )
    } finally {
      owner.textEnded?.()
    }
    const values = this.#kept?.()
    if (values) owner.push(Object.fromEntries(pulled.map((name, i) => [name, values[i]])))
    return result
  }

  /** Sets how the final values of the variables that the block assigns are read. */
  keep(read: () => readonly unknown[]): void {
    this.#kept = read
  }

  /** Notes the line. A function that is written in the block may run in any trace, so the current one notes it. */
  at(line: number, column: number): void {
    currentRecorder()?.noteMark?.(new LineMark(this.#info, line, column))
  }

  /** Returns the trace and session in which a call of a waiting function runs. The function calls this when it begins. */
  scope(): CallScope {
    return new CallScope()
  }

  /** Called before an await: code that runs meanwhile does not run in this trace. */
  suspend<T>(scope: CallScope, value: T): T {
    scope.leave()
    return value
  }

  /** Called after an await: makes the trace and session of the function current again. */
  resume<T>(scope: CallScope, value?: T): T {
    scope.reenter()
    return value as T
  }

  /** Called after a yield: the code that asked for the next value may run in another trace. */
  renew<T>(scope: CallScope, value?: T): T {
    scope.note()
    return value as T
  }

  isTensor(value: unknown): value is Tensor {
    return value instanceof Tensor
  }

  /** Computes a condition. @throws ConditionError for a tensor with more than one element */
  async truth(value: unknown): Promise<boolean> {
    return Boolean(await this.scalar(value))
  }

  /**
   * Returns the value that a switch compares: a tensor's only element, or any other value as it is.
   * @throws ConditionError for a tensor with more than one element
   */
  async scalar(value: unknown): Promise<unknown> {
    if (!(value instanceof Tensor)) return value
    const computed = await value.value()
    const { data, dims } = stateOf(computed).data()
    if (data.length === 1) return computed.item()
    throw new ConditionError(
      `A condition needs one boolean, but ${stateOf(value).label} has ${data.length} (${dims.join(' × ')}).`,
      'say what you mean: h.any() or h.all(), or pick one element',
      this.#mark(),
    )
  }

  truthSync(value: unknown): boolean {
    return Boolean(this.scalarSync(value))
  }

  scalarSync(value: unknown): unknown {
    if (!(value instanceof Tensor)) return value
    if (value.computed) return value.item()
    throw new ConditionError(
      `${stateOf(value).label} was used as a condition in a function that can't wait for it.`,
      'make the function async, or use where(condition, a, b)',
      this.#mark(),
    )
  }

  #mark(): SourcePosition | undefined {
    return (currentRecorder() ?? this.#owner).mark()?.position()
  }

  readonly checkedCallback = checkedCallback
  readonly key = plainKey
  readonly length = plainLength

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
