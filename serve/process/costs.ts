/** The part of an average that each new number has. */
const SHARE = 0.2
/** After so many batches that were not merged, one is, to see whether that is still slower. */
const TRY_AGAIN = 50

/** What jobs of a model cost lately: alone, and as parts of a batch that had to be linked. */
export class Costs {
  #aloneMs: number | undefined
  #mergedMs: number | undefined
  #refused = 0

  alone(ms: number): void {
    this.#aloneMs = average(this.#aloneMs, ms)
  }

  merged(msOfEach: number): void {
    this.#mergedMs = average(this.#mergedMs, msOfEach)
  }

  /** Whether linking a batch is likely to be faster than runs alone. */
  mayMerge(): boolean {
    if (this.#aloneMs === undefined || this.#mergedMs === undefined || this.#mergedMs < this.#aloneMs) return true
    this.#refused = (this.#refused + 1) % TRY_AGAIN
    return this.#refused === 0
  }
}

const average = (before: number | undefined, now: number): number =>
  before === undefined ? now : (1 - SHARE) * before + SHARE * now
