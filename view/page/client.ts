import type { SentError } from '../protocol/api.ts'
import { derivedAnswer } from '../protocol/derived.ts'
import { keyOf, notSaved, type SavedAnswer, type SavedCopy } from '../protocol/saved-copy.ts'

/** The server answered a request with an error. */
export class AnswerError extends Error {
  readonly sent: SentError
  constructor(sent: SentError) {
    super(sent.message)
    this.sent = sent
  }
}

/** A request was not sent, because a later one of the same name replaced it. */
export class Superseded extends Error {}

/** A request that waits to be sent. */
interface Job {
  readonly name: string
  readonly body: unknown
  /** Takes the parts of an answer that comes in parts. */
  readonly onPart: ((part: unknown) => void) | undefined
  done(value: unknown): void
  failed(error: unknown): void
}

const cancelled: SentError = { code: 'cancelled', message: 'The run was cancelled.', fix: 'run it again' }

/** Sends requests to the server, one at a time. The server ends a run when its connection closes, so a request can be cancelled. */
export class Client {
  /** Is called with true when a request is sent, and with false when none is left. */
  onBusy: (isBusy: boolean) => void = () => undefined
  /** The answers of this page so far, for a saved copy. */
  readonly answers = new Map<string, SavedAnswer>()
  /** How long the last requests took together, in ms: from the first one that was sent until none was left. 0 until the next ones have ended, after some were dropped. */
  lastDuration = 0
  #began = 0
  readonly #saved: SavedCopy | undefined
  readonly #waiting = new Map<string, Job>()
  #running: AbortController | undefined

  /** @param saved the copy that answers instead of a command */
  constructor(saved?: SavedCopy) {
    this.#saved = saved
  }

  /** Whether no request runs or waits. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#waiting.size === 0
  }

  /** Sends a request: a GET, or a POST if there is a body. It replaces a waiting request of the same name. @throws AnswerError, Superseded */
  ask<R>(name: string, body?: unknown, onPart?: (part: unknown) => void): Promise<R> {
    return new Promise<unknown>((done, failed) => {
      this.#waiting.get(name)?.failed(new Superseded())
      this.#waiting.delete(name)
      this.#waiting.set(name, { name, body, onPart, done, failed })
      void this.#next()
    }) as Promise<R>
  }

  /** Drops the requests that wait: others will be asked in their place. The running one goes on, because ending it would end the process of the model. */
  drop(): void {
    for (const { failed } of this.#waiting.values()) failed(new Superseded())
    this.#waiting.clear()
    this.lastDuration = 0
  }

  /** Cancels the running request and all that wait. */
  cancel(): void {
    for (const { failed } of this.#waiting.values()) failed(new AnswerError(cancelled))
    this.#waiting.clear()
    this.#running?.abort()
  }

  /** Sends a request and keeps its answer. */
  async #recorded(job: Job, signal: AbortSignal): Promise<unknown> {
    const parts: unknown[] = []
    const { onPart } = job
    const value = await send(
      onPart
        ? {
            ...job,
            onPart(part) {
              parts.push(part)
              onPart(part)
            },
          }
        : job,
      signal,
    )
    this.answers.set(keyOf(job.name, job.body), onPart ? { parts } : { value })
    return value
  }

  async #next(): Promise<void> {
    if (this.#running) return
    const [job] = this.#waiting.values()
    if (!job) {
      if (this.#began > 0) this.lastDuration = performance.now() - this.#began
      this.#began = 0
      return this.onBusy(false)
    }
    this.#waiting.delete(job.name)
    this.#running = new AbortController()
    if (this.#began === 0) this.#began = performance.now()
    this.onBusy(true)
    try {
      job.done(await (this.#saved ? answerFrom(this.#saved, job) : this.#recorded(job, this.#running.signal)))
    } catch (error) {
      job.failed(error)
    }
    this.#running = undefined
    void this.#next()
  }
}

/** Finds the answer in a saved copy. @throws AnswerError if it was not saved */
async function answerFrom({ answers }: SavedCopy, { name, body, onPart }: Job): Promise<unknown> {
  const found = answers[keyOf(name, body)]
  const derived = found ? undefined : derivedAnswer(answers, name, body)
  if (derived !== undefined) return derived
  if (!found) throw new AnswerError(notSaved)
  for (const part of found.parts ?? []) onPart?.(part)
  return found.value
}

async function send({ name, body, onPart }: Job, signal: AbortSignal): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(`./api/${name}`, {
      signal,
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (response.ok && onPart) return await readParts(response, onPart)
    if (response.ok) return (await response.json()) as unknown
  } catch (error) {
    if (signal.aborted) throw new AnswerError(cancelled)
    if (error instanceof AnswerError) throw error
    const message = `The command does not answer: ${(error as Error).message}.`
    throw new AnswerError({ code: 'gone', message, fix: 'start it again, and open the address that it prints' })
  }
  throw new AnswerError((await response.json()) as SentError)
}

/** Reads an answer of lines, each of which is a part. @throws AnswerError if the last one is an error */
async function readParts(response: Response, onPart: (part: unknown) => void): Promise<void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const lines = (rest + value).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const part = JSON.parse(line) as { readonly error?: SentError }
      if (part.error) throw new AnswerError(part.error)
      onPart(part)
    }
  }
}
