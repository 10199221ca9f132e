import { setTimeout as wait } from 'node:timers/promises'

/** So many jobs in so many milliseconds. */
export interface RateWindow {
  readonly max: number
  readonly duration: number
}

/** Jobs in a second as whole jobs in a time: 0.1 is one in ten seconds. */
export function windowOf(rate: number): RateWindow {
  const max = Math.max(1, Math.floor(rate))
  return { max, duration: Math.ceil((1000 * max) / rate) }
}

/** When the next job may start: in any stretch of the window's length there are at most its number of starts. */
export class RateLimit {
  readonly #window: RateWindow
  /** The last starts, as many as fit into the window, some of them to come. */
  readonly #starts: number[] = []

  constructor(rate: number) {
    this.#window = windowOf(rate)
  }

  /** Takes the next start, and waits for it. */
  async take(): Promise<void> {
    const ms = this.untilFree()
    this.#starts.push(performance.now() + ms)
    if (this.#starts.length > this.#window.max) this.#starts.shift()
    if (ms > 0) await wait(ms)
  }

  /** Milliseconds until another job may start. */
  untilFree(): number {
    if (this.#starts.length < this.#window.max) return 0
    return Math.max(0, this.#starts[0] + this.#window.duration - performance.now())
  }
}
