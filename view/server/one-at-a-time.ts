/** One at a time: an abort of one run ends the worker that others would run in. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all before it have ended; one that was aborted by then is not begun. */
  take<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
