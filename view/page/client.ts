import type { SentError } from '../protocol/api.ts'

/** What the command answered to a request that it did not do. */
export class AnswerError extends Error {
  readonly sent: SentError
  constructor(sent: SentError) {
    super(sent.message)
    this.sent = sent
  }
}

/** A later request took its place, before it was sent. */
export class Superseded extends Error {}

interface Job {
  readonly name: string
  readonly body: unknown
  done(value: unknown): void
  failed(error: unknown): void
}

const cancelled: SentError = { code: 'cancelled', message: 'The run was cancelled.', fix: 'run it again' }

/** Asks the command, one request at a time: a closed connection ends the run behind it, so what is not wanted any more is not sent. */
export class Client {
  /** Hears whether something is being waited for. */
  onBusy: (isBusy: boolean) => void = () => undefined
  readonly #waiting = new Map<string, Job>()
  #running: AbortController | undefined

  /** A GET without a body. Of requests of one name that wait, the last is sent. @throws AnswerError, Superseded */
  ask<R>(name: string, body?: unknown): Promise<R> {
    return new Promise<unknown>((done, failed) => {
      this.#waiting.get(name)?.failed(new Superseded())
      this.#waiting.delete(name)
      this.#waiting.set(name, { name, body, done, failed })
      void this.#next()
    }) as Promise<R>
  }

  /** Ends the run, and all that waits. */
  cancel(): void {
    for (const { failed } of this.#waiting.values()) failed(new AnswerError(cancelled))
    this.#waiting.clear()
    this.#running?.abort()
  }

  async #next(): Promise<void> {
    if (this.#running) return
    const [job] = this.#waiting.values()
    if (!job) return this.onBusy(false)
    this.#waiting.delete(job.name)
    this.#running = new AbortController()
    this.onBusy(true)
    try {
      job.done(await send(job, this.#running.signal))
    } catch (error) {
      job.failed(error)
    }
    this.#running = undefined
    void this.#next()
  }
}

async function send({ name, body }: Job, signal: AbortSignal): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(`./api/${name}`, {
      signal,
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    if (response.ok) return (await response.json()) as unknown
  } catch (error) {
    if (signal.aborted) throw new AnswerError(cancelled)
    const message = `The command does not answer: ${(error as Error).message}.`
    throw new AnswerError({ code: 'gone', message, fix: 'start it again, and open the address that it prints' })
  }
  throw new AnswerError((await response.json()) as SentError)
}
