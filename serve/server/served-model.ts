import type {
  GenerateJob,
  GenerateReply,
  GenerateSettings,
  GraphJob,
  GraphReply,
  ModelFacts,
  TextPart,
} from '../process/messages.ts'
import type { ModelProcess } from '../process/model-process.ts'
import { FairQueue } from '../queue/fair-queue.ts'

/** What one request asks of a model. */
export type Work =
  | { readonly kind: 'graph'; readonly job: GraphJob }
  | {
      readonly kind: 'generate'
      readonly settings: GenerateSettings
      readonly job: GenerateJob
      readonly onText: (text: string) => void
    }

export interface Done {
  readonly reply: GraphReply | GenerateReply
  /** The time that the model took for it, shared by those that ran with it. */
  readonly seconds: number
}

export interface ServedOptions {
  readonly maxBatch: number
  readonly maxWaiting: number
  readonly timeoutMs: number
  readonly onBatch: (model: string, size: number, ms: number) => void
  /** Runs `body` as one span of a trace. */
  readonly span: <R>(
    name: string,
    attributes: Readonly<Record<string, string | number>>,
    body: () => Promise<R>,
  ) => Promise<R>
}

/** How long the first request of a batch waits for others. */
const GATHER_MS = 2

/** A model, its process and its queue. */
export class ServedModel {
  readonly name: string
  readonly process: ModelProcess
  readonly queue: FairQueue<Work, Done>
  readonly #options: ServedOptions
  facts: ModelFacts | undefined

  constructor(name: string, process: ModelProcess, options: ServedOptions) {
    this.name = name
    this.process = process
    this.#options = options
    const { maxBatch, maxWaiting, onBatch } = options
    this.queue = new FairQueue({
      maxBatch,
      maxWaiting,
      gatherMs: GATHER_MS,
      onBatch: (size, ms) => onBatch(name, size, ms),
      run: ({ jobs, signal }) =>
        options.span('onnsight.run', { model: name, requests: jobs.length }, () => this.#run(jobs, signal)),
    })
  }

  async load(): Promise<void> {
    this.facts = await this.process.load()
  }

  async #run(jobs: readonly Work[], signal: AbortSignal): Promise<readonly Done[]> {
    const start = performance.now()
    const replies = await this.#replies(jobs, signal)
    const seconds = (performance.now() - start) / 1000 / jobs.length
    return replies.map(reply => ({ reply, seconds }))
  }

  /** Requests that ran beside one that ended the process run again, alone. */
  async #replies(jobs: readonly Work[], signal: AbortSignal): Promise<readonly (GraphReply | GenerateReply)[]> {
    try {
      return await this.#together(jobs, signal)
    } catch (error) {
      if (jobs.length === 1 || signal.aborted) throw error
      const replies: (GraphReply | GenerateReply)[] = []
      for (const job of jobs) {
        try {
          replies.push(...(await this.#together([job], signal)))
        } catch (alone) {
          const { sentError } = await import('../../runtime/child-process/answer-requests.ts')
          replies.push({ error: sentError(alone) })
        }
      }
      return replies
    }
  }

  #together(jobs: readonly Work[], signal: AbortSignal): Promise<readonly (GraphReply | GenerateReply)[]> {
    const { timeoutMs } = this.#options
    const limits = { signal, timeoutMs }
    const [first] = jobs
    if (first.kind === 'graph')
      return this.process.graphs(
        jobs.map(({ job }) => job as GraphJob),
        limits,
      )
    const texts = jobs as readonly Extract<Work, { kind: 'generate' }>[]
    const onPart = ({ job, text }: TextPart): void => texts[job].onText(text)
    return this.process.generate(
      first.settings,
      texts.map(({ job }) => job),
      limits,
      onPart,
    )
  }
}
