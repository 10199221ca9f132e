import { scriptBeside } from '../child-process/script-beside.ts'
import { WorkerError } from '../errors/worker.ts'
import { recordingToJSON } from '../graph/json.ts'
import { knownOptions } from '../tensor/arguments/known-options.ts'
import { traceOf } from '../tracing/current-trace.ts'
import type { Runner, RunRequest, RunResult } from '../tracing/runner.ts'
import type { Traceable } from '../tracing/traceable.ts'
import { type Backend, ExecutionBackend, type Tracer } from '../tracing/tracer.ts'
import { Worker } from './worker.ts'

/** Options of a `WorkerBackend`. */
export interface WorkerOptions {
  /** Limit of a run in milliseconds, without loading the model. A longer run rejects with WorkerError and its process ends. @default no limit */
  readonly timeoutMs?: number
}

/** A process, and a promise that its model is loaded. */
interface LoadedWorker {
  readonly worker: Worker
  readonly loaded: Promise<unknown>
}

/**
 * Runs traces in a child process, because onnxruntime would block this one's event loop. The block is recorded here; the recording is sent
 * as data, and the values come back. The process starts at the first trace, loads the model, and ends with this one or by `release()`.
 * @example
 * const backend = new WorkerBackend({ timeoutMs: 60_000 })
 * await trace(model, inputs, { backend, signal }, () => model.lm_head.output)
 */
export class WorkerBackend implements Backend {
  readonly #options: WorkerOptions
  readonly #workers = new Map<object, LoadedWorker>()
  #traces = 0

  constructor(options: WorkerOptions = {}) {
    this.#options = knownOptions('WorkerBackend()', options, ['timeoutMs'])
  }

  /** Process ids of the workers that are running, one for each model. */
  get pids(): number[] {
    return [...this.#workers.values()].flatMap(({ worker }) => (worker.ended ? [] : (worker.pid ?? [])))
  }

  /** Records the block here and runs the recording in the model’s process. @throws WorkerError if the process ends */
  async run(tracer: Tracer): Promise<unknown> {
    const trace = traceOf(tracer)
    const runner = new WorkerRunner(() => this.#workerFor(trace.model), this.#traces++, this.#options)
    trace.useRunner(runner)
    try {
      return await new ExecutionBackend().run(tracer)
    } finally {
      runner.end()
    }
  }

  /** Ends the processes. The next trace starts a new one. */
  release(): void {
    for (const { worker } of this.#workers.values())
      worker.release(
        new WorkerError('The worker was released while a trace ran in it.', 'await the trace before release()'),
      )
    this.#workers.clear()
  }

  #workerFor(model: Traceable): LoadedWorker {
    const known = this.#workers.get(model.identity)
    if (known && !known.worker.ended) return known
    const worker = new Worker(scriptBeside(import.meta.url, 'child.js'))
    const loaded = worker.request({ kind: 'load', ...model.source })
    // A run awaits `loaded` and reports the error.
    loaded.catch(() => undefined)
    const started = { worker, loaded }
    this.#workers.set(model.identity, started)
    return started
  }
}

/** Runs one trace in one process, which keeps the values computed so far. */
class WorkerRunner implements Runner {
  readonly #find: () => LoadedWorker
  readonly #trace: number
  readonly #timeoutMs: number | undefined
  #worker: Worker | undefined

  constructor(find: () => LoadedWorker, trace: number, { timeoutMs }: WorkerOptions) {
    this.#find = find
    this.#trace = trace
    this.#timeoutMs = timeoutMs
  }

  async run({ recording, inputs, signal, goesOn, inputsComeOnce }: RunRequest): Promise<RunResult> {
    signal?.throwIfAborted()
    const { worker, loaded } = this.#find()
    // If the process of an earlier run has ended, the new one computes everything again.
    this.#worker = worker
    await loaded
    const message = {
      kind: 'run',
      trace: this.#trace,
      recording: recordingToJSON(recording, data => data),
      inputs,
      goesOn,
      inputsComeOnce,
    } as const
    return this.#runLimited(worker, signal, async () => (await worker.request(message)) as RunResult)
  }

  end(): void {
    if (this.#worker && !this.#worker.ended)
      this.#worker.request({ kind: 'end', trace: this.#trace }).catch(() => undefined)
  }

  /** Ends the process if the signal or the time limit comes before the result, because a run can't be stopped otherwise. */
  async #runLimited<R>(worker: Worker, signal: AbortSignal | undefined, run: () => Promise<R>): Promise<R> {
    let timer: NodeJS.Timeout | undefined
    let abort: (() => void) | undefined
    const stopped = new Promise<never>((_, reject) => {
      abort = () => {
        reject(signal?.reason)
        worker.kill(
          new WorkerError(
            'The worker process was ended, because another trace in it was aborted.',
            'run the trace again',
          ),
        )
      }
      signal?.addEventListener('abort', abort, { once: true })
      if (this.#timeoutMs === undefined) return
      timer = setTimeout(() => {
        const error = new WorkerError(
          `The trace took longer than its limit of ${this.#timeoutMs} ms.`,
          'allow more: new WorkerBackend({ timeoutMs: … })',
        )
        reject(error)
        worker.kill(error)
      }, this.#timeoutMs)
    })
    try {
      return await Promise.race([run(), stopped])
    } finally {
      clearTimeout(timer)
      if (abort) signal?.removeEventListener('abort', abort)
    }
  }
}
