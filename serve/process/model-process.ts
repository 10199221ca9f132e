import { readFileSync } from 'node:fs'
import { scriptBeside } from '../../runtime/child-process/script-beside.ts'
import { GraphTimeError } from '../../runtime/errors/graph-limit.ts'
import { WorkerError } from '../../runtime/errors/worker.ts'
import type { LoadOptions } from '../../runtime/index.ts'
import type { LanguageFiles } from '../../runtime/remote/wire.ts'
import { Worker } from '../../runtime/worker-process/worker.ts'
import type {
  GenerateJob,
  GenerateReply,
  GenerateSettings,
  GraphJob,
  GraphReply,
  ModelFacts,
  TextPart,
} from './messages.ts'

/** How often the memory of a process is looked at while it runs something. */
const WATCH_MS = 100
const PAGE_BYTES = 4096

export interface ProcessLimits {
  /** The most memory of the process: it is ended above that, and another is started. Only on Linux. */
  readonly memoryBytes: number | undefined
}

export interface RunLimits {
  readonly signal: AbortSignal
  /** After this time the process is ended, as a run within onnxruntime can't be stopped otherwise. */
  readonly timeoutMs: number
}

/** One model in a process of its own, which is started again when it has ended. */
export class ModelProcess {
  readonly #path: string
  readonly #options: LoadOptions
  readonly #limits: ProcessLimits
  #worker: Worker | undefined
  #loaded: Promise<ModelFacts> | undefined
  #runs = 0
  #skeleton: Promise<Uint8Array> | undefined

  constructor(path: string, options: LoadOptions, limits: ProcessLimits) {
    this.#path = path
    this.#options = options
    this.#limits = limits
  }

  get pid(): number | undefined {
    return this.#worker?.ended ? undefined : this.#worker?.pid
  }

  /** Loads the model if no process has it. */
  load(): Promise<ModelFacts> {
    if (!this.#loaded || this.#worker?.ended) {
      this.#worker = new Worker(scriptBeside(import.meta.url, 'child.js'))
      this.#loaded = this.#worker.request({
        kind: 'load',
        path: this.#path,
        options: this.#options,
      }) as Promise<ModelFacts>
      this.#loaded.catch(() => undefined)
    }
    return this.#loaded
  }

  skeleton(): Promise<Uint8Array> {
    this.#skeleton ??= this.load()
      .then(() => this.#worker!.request({ kind: 'skeleton' }) as Promise<Uint8Array>)
      .catch((error: unknown) => {
        this.#skeleton = undefined
        throw error
      })
    return this.#skeleton
  }

  language(): Promise<LanguageFiles> {
    return this.load().then(() => this.#worker!.request({ kind: 'language' }) as Promise<LanguageFiles>)
  }

  graphs(jobs: readonly GraphJob[], limits: RunLimits): Promise<readonly GraphReply[]> {
    return this.#run({ kind: 'graphs', jobs }, limits) as Promise<readonly GraphReply[]>
  }

  generate(
    settings: GenerateSettings,
    jobs: readonly GenerateJob[],
    limits: RunLimits,
    onPart: (part: TextPart) => void,
  ): Promise<readonly GenerateReply[]> {
    const run = this.#run({ kind: 'generate', settings, jobs }, limits, part => onPart(part as TextPart))
    return run as Promise<readonly GenerateReply[]>
  }

  release(): void {
    this.#worker?.release(new WorkerError('The server has ended.', 'start it again'))
    this.#worker = undefined
    this.#loaded = undefined
  }

  async #run(
    message: { readonly kind: string; readonly [field: string]: unknown },
    { signal, timeoutMs }: RunLimits,
    onPart?: (part: unknown) => void,
  ): Promise<unknown> {
    await this.load()
    signal.throwIfAborted()
    const worker = this.#worker!
    const run = this.#runs++
    const cancel = (): void => void worker.request({ kind: 'cancel', run }).catch(() => undefined)
    signal.addEventListener('abort', cancel, { once: true })
    const timer = setTimeout(() => worker.kill(new GraphTimeError(timeoutMs)), timeoutMs)
    const watch = this.#watchMemory(worker)
    try {
      return await worker.request({ ...message, run }, onPart)
    } finally {
      clearTimeout(timer)
      clearInterval(watch)
      signal.removeEventListener('abort', cancel)
    }
  }

  #watchMemory(worker: Worker): NodeJS.Timeout | undefined {
    const { memoryBytes } = this.#limits
    if (memoryBytes === undefined || process.platform !== 'linux') return undefined
    return setInterval(() => {
      const bytes = residentBytes(worker.pid)
      if (bytes > memoryBytes)
        worker.kill(
          new WorkerError(
            `The process of the model took ${bytes} bytes of memory, and ${memoryBytes} are allowed.`,
            'read fewer values at once, or shorter prompts',
          ),
        )
    }, WATCH_MS)
  }
}

function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    // It has just ended.
    return 0
  }
}
