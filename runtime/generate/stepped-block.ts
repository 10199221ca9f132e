/** The block of a generation. In each step it begins anew, or goes on from the next() in which it waits. */
export class SteppedBlock {
  /** The run of the block that has not ended yet. It takes more than one step if the block calls next(). */
  #running: Promise<unknown> | undefined
  #waiting: { resolve(step: number): void; reject(error: unknown): void } | undefined
  #pause: (() => void) | undefined

  /** Whether the block waits in next(). */
  get waits(): boolean {
    return this.#waiting !== undefined
  }

  /** Begins the block, or continues it, until it ends or waits in next(). Gives the block's value; undefined if it waits. */
  async run(step: number, begin: () => Promise<unknown>): Promise<{ readonly value: unknown } | undefined> {
    const paused = new Promise<undefined>(resolve => {
      this.#pause = () => resolve(undefined)
    })
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting.resolve(step)
    else {
      this.#running = begin()
      this.#running.catch(() => undefined)
    }
    const ended = await Promise.race([this.#running?.then(value => ({ value })), paused])
    if (ended) this.#running = undefined
    return ended
  }

  /** Makes the block wait in next() for the next step. Gives the number of that step. */
  wait(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#pause?.()
    })
  }

  /**
   * Makes next() throw the error if the block waits there, so that the block can clean up. Returns the promise of the block's value; undefined
   * if the block does not run.
   */
  fail(error: unknown): Promise<unknown> | undefined {
    this.#waiting?.reject(error)
    return this.#running
  }
}
