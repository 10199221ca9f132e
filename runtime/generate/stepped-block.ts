/** The block of a generation: in each step it begins anew, or goes on where it waits in next(). */
export class SteppedBlock {
  /** From its begin to its end: over more than one step, where it calls next(). */
  #running: Promise<unknown> | undefined
  #waiting: { resolve(step: number): void; reject(error: unknown): void } | undefined
  #pause: (() => void) | undefined

  /** Whether it waits in next(). */
  get waits(): boolean {
    return this.#waiting !== undefined
  }

  /** Begins it, or goes on with it, until it ends or waits in next(): undefined where it waits. */
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

  /** Waits in next() for the step that comes, whose number it gives. */
  wait(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#pause?.()
    })
  }

  /** Fails in next(), if it waits there: what it has to clean up it can. Gives how it ends; undefined where it has ended. */
  fail(error: unknown): Promise<unknown> | undefined {
    this.#waiting?.reject(error)
    return this.#running
  }
}
