/** How far a harvest is. */
export interface HarvestProgress {
  /** The rows that are stored or computed, with those of earlier runs. */
  readonly rows: number
  /** Bytes of the shards that this run stored. */
  readonly bytes: number
  /** The shards that are stored, with those of earlier runs. */
  readonly shards: number
  /** Rows that this run computes in a second. */
  readonly rowsPerSecond: number
  /** The part of the source that has been read, from 0 to 1; undefined for a source of unknown length. */
  readonly part: number | undefined
  /** An estimate of the seconds that remain; undefined if it is not known. */
  readonly secondsLeft: number | undefined
  /** What the harvest waits for. */
  readonly waitsFor?: 'disk space'
}

/** Counts rows and bytes, and estimates what is left from the part of the source that was read in this run. */
export class Counter {
  readonly #report: ((progress: HarvestProgress) => void) | undefined
  readonly #start = performance.now()
  /** What was there before this run. */
  readonly #before: { readonly rows: number; readonly shards: number }
  #rows = 0
  #shards = 0
  #bytes = 0
  #firstPart: number | undefined
  #part: number | undefined

  constructor(
    before: { readonly rows: number; readonly shards: number },
    report?: (progress: HarvestProgress) => void,
  ) {
    this.#before = before
    this.#report = report
  }

  /** @param running rows of the shard that is being made */
  tell(running = 0, waitsFor?: 'disk space'): void {
    if (!this.#report) return
    const seconds = (performance.now() - this.#start) / 1000
    const own = this.#rows + running
    const [first, part] = [this.#firstPart ?? 0, this.#part]
    const left = part !== undefined && part > first && own > 0 ? (seconds * (1 - part)) / (part - first) : undefined
    this.#report({
      rows: this.#before.rows + own,
      bytes: this.#bytes,
      shards: this.#before.shards + this.#shards,
      rowsPerSecond: seconds > 0 ? own / seconds : 0,
      part,
      secondsLeft: part === 1 ? 0 : left,
      ...(waitsFor ? { waitsFor } : {}),
    })
  }

  /** The part of the source that is read when the shard that begins now is done. */
  reads(from: number | undefined, to: number | undefined): void {
    this.#firstPart ??= from
    this.#part = to
  }

  stored(rows: number, bytes: number): void {
    this.#rows += rows
    this.#shards++
    this.#bytes += bytes
    this.tell()
  }
}
