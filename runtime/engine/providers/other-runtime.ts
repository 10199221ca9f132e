import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { InferenceSession } from 'onnxruntime-common'
import { MissingPackageError } from '../../errors/install.ts'
import { restoredError, WorkerError } from '../../errors/worker.ts'
import type { TensorData } from '../../tensor/dtypes/data.ts'
import type { Session, SessionModel, SessionValue } from '../sessions/provider.ts'
import type { OtherReply, OtherRequest } from './other-runtime-messages.ts'

// The address is in a variable, so that a bundler does not copy the file without its imports.
const moduleUrl = import.meta.url
// It is made when it is needed: a bundler may give this module an address that is none of a file.
const script = (): string => fileURLToPath(moduleUrl.replace(/[^/]*$/, 'other-runtime-child.js'))

/** Sessions of another onnxruntime-node. Two versions of its native library can't be in one process, so they are in a child process. */
export interface OtherRuntime {
  create(model: SessionModel, options: InferenceSession.SessionOptions): Promise<Session>
}

/** @throws MissingPackageError if there is no package in the folder */
export function otherRuntime(folder: string): OtherRuntime {
  const entry = entryOf(folder)
  let child: Child | undefined
  let sessions = 0
  return {
    async create({ bytes }, options) {
      if (!child || child.ended) child = new Child(entry)
      const own = child
      const created = (await own.request({ kind: 'create', bytes, options })) as CreatedSession
      sessions++
      let isReleased = false
      return {
        outputs: created.outputs,
        run: (feeds, fetches) =>
          own.request({ kind: 'run', session: created.session, feeds, fetches }) as Promise<Record<string, TensorData>>,
        async release() {
          if (isReleased || own.ended) return
          isReleased = true
          sessions--
          await own.request({ kind: 'release', session: created.session })
          if (sessions > 0 || child !== own) return
          child = undefined
          own.end()
        },
      }
    },
  }
}

interface CreatedSession {
  readonly session: number
  readonly outputs: readonly SessionValue[]
}

function entryOf(folder: string): string {
  try {
    return createRequire(moduleUrl).resolve(resolve(folder))
  } catch (cause) {
    throw new MissingPackageError(
      `An onnxruntime-node in ${folder}`,
      cause,
      'for the option runtime',
      'npm install onnxruntime-node in a folder of its own, and give the path of node_modules/onnxruntime-node there',
    )
  }
}

interface Waiting {
  readonly done: (result: unknown) => void
  readonly failed: (error: unknown) => void
}

/** A process with another onnxruntime, and the requests that wait for it. */
class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  ended = false

  constructor(entry: string) {
    this.#process = fork(script(), [entry], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.#process.on('message', ({ id, ...reply }: OtherReply) => {
      const waiting = this.#take(id)
      if ('error' in reply) waiting?.failed(restoredError(reply.error))
      else waiting?.done(reply.result)
    })
    this.#process.on('error', error => this.#fail(`can’t be started: ${error.message}`))
    this.#process.on('exit', (code, signal) => this.#fail(`ended (${signal ?? `exit code ${code}`})`))
    this.#unrefIfIdle()
  }

  request(message: OtherRequest): Promise<unknown> {
    const id = this.#next++
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed })
      // Node must not end while a request waits.
      this.#process.ref()
      this.#process.channel?.ref()
      this.#process.send({ ...message, id }, error => {
        if (error)
          this.#take(id)?.failed(new WorkerError(`The other onnxruntime can’t be reached: ${error.message}.`, FIX))
      })
    })
  }

  end(): void {
    this.ended = true
    if (this.#process.connected) this.#process.disconnect()
  }

  #fail(what: string): void {
    this.ended = true
    const error = new WorkerError(`The process of the other onnxruntime ${what}.`, FIX)
    for (const { failed } of this.#waiting.values()) failed(error)
    this.#waiting.clear()
    this.#unrefIfIdle()
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#unrefIfIdle()
    return waiting
  }

  #unrefIfIdle(): void {
    if (this.#waiting.size > 0) return
    this.#process.unref()
    this.#process.channel?.unref()
  }
}

const FIX = 'look at what it wrote to standard error, and try node -e "require(\'PATH\')" with its path'
