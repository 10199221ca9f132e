import type { Mark } from '../graph/expression.ts'
import { currentRecorder } from '../graph/recorder.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { infoOfCompiled } from './blocks/block.ts'
import { BlockVariables } from './blocks/block-variables.ts'
import { BlockContext, type BlockOwner, type CompiledBlock } from './blocks/context.ts'
import type { Info } from './blocks/info.ts'
import { restoringVariables } from './blocks/restoring-variables.ts'
import { untilStop } from './blocks/stop.ts'
import { restoringScopes } from './scopes/restoring-scopes.ts'
import { type Session, sessionScope } from './scopes/session-scope.ts'
import { asTraceable } from './traceable.ts'
import { type Enclosing, InnerValues } from './values/inner-values.ts'

interface EnclosingBlock extends Enclosing {
  readonly finished: boolean
}

/** Several traces that belong together: values pass between them without save(), and only what was saved outlives the session. */
export class RunningSession implements Session, BlockOwner {
  /** The session's name in messages. */
  readonly name: string
  readonly info: Info | undefined
  readonly #values = new InnerValues()
  /** The trace or session around this one. */
  readonly #enclosing: EnclosingBlock | undefined
  readonly #variables = new BlockVariables()
  finished = false
  readonly outerBlocks: readonly unknown[]

  constructor(info: Info | undefined) {
    this.info = info
    const outer = sessionScope().get()
    this.outerBlocks = [currentRecorder(), outer]
    const recorder = currentRecorder() as Partial<EnclosingBlock> | undefined
    this.#enclosing = typeof recorder?.takeFromInner === 'function' ? (recorder as EnclosingBlock) : outer
    this.name = info ? `${info.filename}:${info.startLine}:${info.startColumn}` : 'a session'
  }

  run(body: () => unknown): Promise<unknown> {
    return restoringScopes(() => this.#run(body))
  }

  #run(body: () => unknown): Promise<unknown> {
    return restoringVariables(this, async () => {
      const result = await sessionScope().run(this, () => untilStop(body))
      this.finished = true
      this.#variables.assign(this.info)
      this.#values.end(result, this.#enclosing?.finished === false ? this.#enclosing : undefined)
      return result
    })
  }

  save(tensor: Tensor): void {
    this.#values.keep(tensor)
  }

  takeFromInner(tensor: Tensor): void {
    this.#values.add(tensor)
  }

  pull(): Record<string, unknown> {
    return this.#variables.pull(this.info)
  }

  push(state: Readonly<Record<string, unknown>>): void {
    this.#variables.push(state)
  }

  mark(): Mark | undefined {
    return undefined
  }

  get caller(): Session | undefined {
    return this.#enclosing instanceof RunningSession ? this.#enclosing : undefined
  }

  /** Makes the session current again after an await, on platforms without async context. */
  resume(): void {
    if (!this.finished) sessionScope().enter(this)
  }
}

/** Runs a session. `session(model, async () => …)` expands to this. */
export async function session(args: readonly unknown[], ...block: CompiledBlock): Promise<unknown> {
  const info = infoOfCompiled(block)
  asTraceable(args[0], 'session', info)
  const running = new RunningSession(info)
  return running.run(() => new BlockContext(running, info).run(block, args[0]))
}
