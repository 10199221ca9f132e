import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { revived, WorkerError } from '../errors/worker.ts'
import type { Ran, Reply, Request } from './messages.ts'

// In a variable: a bundler would copy the file, and not what it imports.
const here = import.meta.url
const script = fileURLToPath(new URL('./child.js', here))

type Sent = Request extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never

interface Waiting {
  readonly kind: Sent['kind']
  readonly done: (result: Ran | undefined) => void
  readonly failed: (error: unknown) => void
}

/** One child process, and the requests that wait for it. */
export class Worker {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  /** Why it is no more. */
  ended: Error | undefined

  constructor() {
    if (!existsSync(script))
      throw new WorkerError(
        `The worker’s own file, ${script}, is not there: onnsight was put into a bundle.`,
        "leave it outside: name 'onnsight' and 'onnsight/internal' as external in the bundler’s configuration",
      )
    this.#child = fork(script, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.#child.on('message', (reply: Reply) => this.#settle(reply))
    this.#child.on('error', error =>
      this.#end(
        new WorkerError(
          `The worker process can’t be started: ${error.message}.`,
          'check that Node may start processes',
        ),
      ),
    )
    this.#child.on('exit', (code, signal) =>
      this.#end(
        new WorkerError(
          `The worker process ended (${signal ?? `exit code ${code}`}) before the trace was done.`,
          'run the trace again: a new worker is started. If it ends again, look for memory that runs out',
        ),
      ),
    )
    this.#rest()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  request(message: Sent): Promise<Ran | undefined> {
    if (this.ended) return Promise.reject(this.ended)
    const id = this.#next++
    return new Promise((done, failed) => {
      this.#waiting.set(id, { kind: message.kind, done, failed })
      // While someone waits, Node must not end.
      this.#child.ref()
      this.#child.channel?.ref()
      this.#child.send({ ...message, id } as Request, error => {
        if (error)
          this.#take(id)?.failed(
            new WorkerError(`The worker can’t be reached: ${error.message}.`, 'run the trace again'),
          )
      })
    })
  }

  /** Ends it now, in mid-run too. */
  kill(reason: Error): void {
    this.#end(reason)
    this.#child.kill('SIGKILL')
  }

  /** Ends it: in its own time where nothing runs in it, as it may have profiles to write. */
  release(reason: Error): void {
    const isBusy = [...this.#waiting.values()].some(({ kind }) => kind !== 'end')
    if (isBusy || !this.#child.connected) {
      this.kill(reason)
      return
    }
    this.#end(reason)
    this.#child.disconnect()
  }

  #settle(reply: Reply): void {
    const waiting = this.#take(reply.id)
    if ('error' in reply) waiting?.failed(revived(reply.error))
    else waiting?.done(reply.result)
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#rest()
    return waiting
  }

  #rest(): void {
    if (!this.isIdle) return
    this.#child.unref()
    this.#child.channel?.unref()
  }

  #end(reason: Error): void {
    this.ended ??= reason
    for (const { failed } of this.#waiting.values()) failed(this.ended)
    this.#waiting.clear()
    this.#rest()
  }
}
