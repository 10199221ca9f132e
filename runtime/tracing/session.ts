import type { Mark } from '../graph/expression.ts'
import { currentRecorder } from '../graph/recorder.ts'
import { type Scope, variableScope } from '../graph/scope.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type CompiledBlock, infoOfCompiled } from './block.ts'
import { BlockContext, type BlockOwner } from './context.ts'
import type { Info } from './info.ts'
import { keepingLive } from './live.ts'
import { Passed } from './passed.ts'
import { restoringScopes } from './scopes.ts'
import { untilStop } from './stop.ts'
import { asTraceable } from './trace.ts'

interface Around {
  readonly finished: boolean
  pass(tensor: Tensor): void
}

/** Several traces as one: values flow between them without save(), and only what was saved outlives it. */
export class Session implements BlockOwner {
  /** For messages. */
  readonly name: string
  readonly info: Info | undefined
  readonly #passed = new Passed()
  /** The trace or session that it stands in. */
  readonly #around: Around | undefined
  #pushed: Readonly<Record<string, unknown>> = {}
  finished = false
  readonly arounds: readonly unknown[]

  constructor(info: Info | undefined) {
    this.info = info
    this.arounds = [currentRecorder(), current.get()]
    const recorder = currentRecorder() as Partial<Around> | undefined
    this.#around = typeof recorder?.pass === 'function' ? (recorder as Around) : current.get()
    this.name = info ? `${info.filename}:${info.startLine}:${info.startColumn}` : 'a session'
  }

  run(body: () => unknown): Promise<unknown> {
    return restoringScopes(() => this.#run(body))
  }

  #run(body: () => unknown): Promise<unknown> {
    return keepingLive(this, async () => {
      const result = await current.run(this, () => untilStop(body))
      this.finished = true
      this.info?.push(this.#pushed)
      this.#passed.end(result, this.#around?.finished === false ? this.#around : undefined)
      return result
    })
  }

  save(tensor: Tensor): void {
    this.#passed.keep(tensor)
  }

  /** An inner trace gives this on, saved or not. */
  pass(tensor: Tensor): void {
    this.#passed.add(tensor)
  }

  pull(): Record<string, unknown> {
    return this.info?.pull() ?? {}
  }

  push(state: Readonly<Record<string, unknown>>): void {
    this.#pushed = state
  }

  mark(): Mark | undefined {
    return undefined
  }

  /** @internal */
  get caller(): Session | undefined {
    return this.#around instanceof Session ? this.#around : undefined
  }

  /** It is current again, where nothing follows awaits. */
  resume(): void {
    if (!this.finished) current.enter(this)
  }
}

let current: Scope<Session> = variableScope()

export function sessionScope(): Scope<Session> {
  return current
}

/** Chosen once, by the platform's entry point. */
export function useSessionScope(scope: Scope<Session>): void {
  current = scope
}

/** The session that the code runs in. */
export function currentSession(): Session | undefined {
  const session = current.get()
  return session && !session.finished ? session : undefined
}

/** What `session(model, async () => …)` expands to. */
export async function session(args: readonly unknown[], ...block: CompiledBlock): Promise<unknown> {
  const info = infoOfCompiled(block)
  asTraceable(args[0], 'session', info)
  const running = new Session(info)
  return running.run(() => new BlockContext(running, info).run(block, args[0]))
}
