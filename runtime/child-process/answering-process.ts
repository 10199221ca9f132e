import { type ChildProcess, fork } from 'node:child_process'
import { restoredError } from '../errors/worker.ts'
import type { Reply } from './messages.ts'

/** A message to the process, without the number by which its answer is known. */
export interface NewRequest {
  readonly kind: string
}

interface Waiting {
  readonly kind: string
  readonly done: (result: unknown) => void
  readonly failed: (error: unknown) => void
  readonly onPart: ((part: unknown) => void) | undefined
}

/** What is said of a process that does not answer any more. */
export interface ProcessErrors {
  notStarted(reason: string): Error
  ended(code: number | null, signal: string | null): Error
  notReached(reason: string): Error
}

const EXIT_GRACE_MS = 500

/** One child process, and the requests that wait for it. */
export class AnsweringProcess {
  readonly #child: ChildProcess
  readonly #errors: ProcessErrors
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  /** The reason why the process ended; undefined while it runs. */
  ended: Error | undefined

  /** @param script the file that the process runs, with `answerRequests` */
  constructor(script: string, args: readonly string[], errors: ProcessErrors) {
    this.#errors = errors
    this.#child = fork(script, args, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.#child.on('message', (reply: Reply) => this.#settle(reply))
    this.#child.on('error', error => this.#end(errors.notStarted(error.message)))
    this.#child.on('exit', (code, signal) => this.#end(errors.ended(code, signal)))
    this.#unrefIfIdle()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  /** Sends a message. @param onPart called with each part of the answer that comes before its end */
  request<M extends NewRequest>(message: M, onPart?: (part: unknown) => void): Promise<unknown> {
    if (this.ended) return Promise.reject(this.ended)
    const id = this.#next++
    return new Promise((done, failed) => {
      this.#waiting.set(id, { kind: message.kind, done, failed, onPart })
      // Node must not end while a request waits.
      this.#child.ref()
      this.#child.channel?.ref()
      this.#child.send({ ...message, id }, error => {
        if (!error) return
        // If the process has just ended, its exit event follows and gives a better reason.
        setTimeout(() => this.#take(id)?.failed(this.#errors.notReached(error.message)), EXIT_GRACE_MS)
      })
    })
  }

  /** Ends the process at once, even during a run. */
  kill(reason: Error): void {
    this.#end(reason)
    this.#child.kill('SIGKILL')
  }

  /** Ends the process. If it is idle, it may write its profiles first. */
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
    if ('part' in reply) {
      this.#waiting.get(reply.id)?.onPart?.(reply.part)
      return
    }
    const waiting = this.#take(reply.id)
    if ('error' in reply) waiting?.failed(restoredError(reply.error))
    else waiting?.done(reply.result)
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#unrefIfIdle()
    return waiting
  }

  #unrefIfIdle(): void {
    if (!this.isIdle) return
    this.#child.unref()
    this.#child.channel?.unref()
  }

  #end(reason: Error): void {
    this.ended ??= reason
    for (const { failed } of this.#waiting.values()) failed(this.ended)
    this.#waiting.clear()
    this.#unrefIfIdle()
  }
}
