import { AnsweringProcess } from '../../runtime/child-process/answering-process.ts'
import { scriptBeside } from '../../runtime/child-process/script-beside.ts'
import type { ComparedModels, ComparisonPart, PartingTokens } from '../protocol/api.ts'
import { Refusal } from '../server/refusal.ts'
import type { Beside, CompareMessage, Opened, SentInputs } from './messages.ts'

/** How many comparisons are kept, so that a tab or a link that comes again needs no run. */
const MAX_KEPT = 8

const ended = (reason: string): Refusal =>
  new Refusal(500, 'view-comparison', `The process that compares has ended: ${reason}.`, 'compare again')

/** The model of the page and a second one, compared in a process of their own. */
export class TwoModels {
  readonly #opened: Opened
  readonly #kept = new Map<string, Promise<unknown>>()
  #process: AnsweringProcess | undefined

  constructor(opened: Opened) {
    this.#opened = opened
  }

  /** Opens the second model. @throws the errors of opening it */
  open(): Promise<Beside> {
    return this.#ask({ kind: 'open' }, new AbortController().signal) as Promise<Beside>
  }

  async compare(inputs: SentInputs, signal: AbortSignal, send: (part: ComparisonPart) => void): Promise<void> {
    const onPart = (part: unknown): void => send(part as ComparisonPart)
    send({ result: (await this.#once({ kind: 'compare', inputs }, signal, onPart)) as ComparedModels })
  }

  tokens(inputs: SentInputs, input: number, from: number, signal: AbortSignal): Promise<PartingTokens> {
    return this.#once({ kind: 'tokens', inputs, input, from }, signal) as Promise<PartingTokens>
  }

  release(): void {
    this.#process?.kill(ended('it was closed'))
  }

  /** Asks what was not asked before. A failed answer is not kept. */
  async #once(message: CompareMessage, signal: AbortSignal, onPart?: (part: unknown) => void): Promise<unknown> {
    const key = JSON.stringify(message, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value,
    )
    const earlier = this.#kept.get(key)
    if (earlier) return earlier
    const answer = this.#ask(message, signal, onPart)
    this.#kept.set(key, answer)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    answer.catch(() => this.#kept.delete(key))
    return answer
  }

  async #ask(message: CompareMessage, signal: AbortSignal, onPart?: (part: unknown) => void): Promise<unknown> {
    signal.throwIfAborted()
    if (!this.#process || this.#process.ended) this.#process = this.#start()
    const own = this.#process
    // onnxruntime can't be interrupted, so a comparison ends with its process.
    const cancel = (): void => own.kill(ended('the comparison was cancelled'))
    signal.addEventListener('abort', cancel)
    try {
      return await own.request(message, onPart)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  #start(): AnsweringProcess {
    return new AnsweringProcess(scriptBeside(import.meta.url, 'compare-child.js'), [JSON.stringify(this.#opened)], {
      notStarted: reason => ended(`it did not start, ${reason}`),
      ended: (code, signal) => ended(`code ${code}, signal ${signal}`),
      notReached: reason => ended(reason),
    })
  }
}
