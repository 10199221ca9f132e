/** Runs one piece of work at a time, because aborting a run ends the worker process that others would use. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` after all earlier ones have ended; if it was aborted by then, it does not start. */
  take<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
