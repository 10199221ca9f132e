import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { restoredError, WorkerError } from '../errors/worker.ts'
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

const EXIT_GRACE_MS = 500

/** Whether a process crashed, by its signal, or by its exit code if a shell or container is in between. */
const isCrash = (code: number | null, signal: string | null): boolean =>
  /^SIG(SEGV|ABRT|BUS|ILL|FPE|TRAP)$/.test(signal ?? '') || [132, 133, 134, 135, 136, 139].includes(code ?? 0)
const isKilled = (code: number | null, signal: string | null): boolean => signal === 'SIGKILL' || code === 137

function reasonOf(code: number | null, signal: string | null): string {
  if (isCrash(code, signal))
    return 'onnxruntime, which runs in it, crashed. This process and the model here are as they were.'
  if (isKilled(code, signal)) return 'Something outside ended it: the system does so where memory runs out.'
  return 'This process and the model here are as they were.'
}

function adviceOn(code: number | null, signal: string | null): string {
  const again = 'run the trace again: a new worker is started'
  if (isCrash(code, signal))
    return `${again}. If it crashes again, leave out reads and writes one by one until it does not, and report the one that does it`
  if (isKilled(code, signal))
    return `${again}. If it ends again, look at the memory that is free: fewer rows, fewer values read at once, a smaller sessionBytes`
  return `${again}. If it ends again, look at what it wrote to standard error`
}

/** One child process, and the requests that wait for it. */
export class Worker {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  /** The reason why the process ended; undefined while it runs. */
  ended: Error | undefined

  /** @param script the file that the process runs: it answers each message with a `Reply` */
  constructor(script: string) {
    if (!existsSync(script))
      throw new WorkerError(
        `The worker’s own file, ${script}, does not exist: onnsight was put into a bundle.`,
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
          'check that Node is allowed to start processes',
        ),
      ),
    )
    this.#child.on('exit', (code, signal) =>
      this.#end(
        new WorkerError(
          `The worker process ended (${signal ?? `exit code ${code}`}) before the trace was done. ${reasonOf(code, signal)}`,
          adviceOn(code, signal),
        ),
      ),
    )
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
        setTimeout(() => {
          const fix = 'run the trace again: a new worker is started'
          this.#take(id)?.failed(new WorkerError(`The worker can’t be reached: ${error.message}.`, fix))
        }, EXIT_GRACE_MS)
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
