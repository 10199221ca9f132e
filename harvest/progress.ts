import type { ShardPlan } from './plan.ts'

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
  /** The part of the source whose rows are computed, from 0 to 1; undefined for a source of unknown length. */
  readonly part: number | undefined
  /** An estimate of the seconds that remain; undefined if it is not known. */
  readonly secondsLeft: number | undefined
  /** What the harvest waits for. */
  readonly waitsFor?: 'disk space'
}

/** Counts rows and bytes, and estimates what is left from the part of the source whose rows were computed in this run. */
export class Counter {
  readonly #report: ((progress: HarvestProgress) => void) | undefined
  readonly #start = performance.now()
  #bytes = 0
  #shards: number
  /** The rows that were there before this run, and those of the shards that it computed whole. */
  readonly #rowsBefore: number
  #rows = 0
  /** The part of the source that was done before this run, and that of the shards that it computed whole. */
  #partBefore: number | undefined
  #part = 0
  /** The shard that is being made, and its rows that are computed. */
  #plan: ShardPlan | undefined
  #done = 0

  constructor(
    before: { readonly rows: number; readonly shards: number },
    report?: (progress: HarvestProgress) => void,
  ) {
    this.#rowsBefore = before.rows
    this.#shards = before.shards
    this.#report = report
  }

  tell(waitsFor?: 'disk space'): void {
    if (!this.#report) return
    const seconds = (performance.now() - this.#start) / 1000
    const rows = this.#rows + this.#done
    const own = this.#part + (this.#plan ? (lengthOf(this.#plan) * this.#done) / this.#plan.rows : 0)
    const part = this.#plan?.to === undefined ? undefined : rounded((this.#partBefore ?? 0) + own)
    this.#report({
      rows: this.#rowsBefore + rows,
      bytes: this.#bytes,
      shards: this.#shards,
      rowsPerSecond: seconds > 0 ? rows / seconds : 0,
      part,
      secondsLeft: part === undefined || own === 0 ? undefined : (seconds * (1 - part)) / own,
      ...(waitsFor ? { waitsFor } : {}),
    })
  }

  /** A shard was stored by an earlier run. */
  skips(plan: ShardPlan): void {
    this.#partBefore = (this.#partBefore ?? plan.from ?? 0) + lengthOf(plan)
  }

  /** A shard is begun, after the one before it was computed. */
  begins(plan: ShardPlan): void {
    if (this.#plan) {
      this.#rows += this.#done
      this.#part += lengthOf(this.#plan)
    }
    this.#partBefore ??= plan.from
    this.#done = 0
    this.#plan = plan
  }

  /** @param rows those of the shard begun last that are computed so far */
  computed(rows: number): void {
    this.#done = rows
    this.tell()
  }

  stored(bytes: number): void {
    this.#shards++
    this.#bytes += bytes
    this.tell()
  }
}

/** The part of the source that a shard has. */
const lengthOf = ({ from, to }: ShardPlan): number => (from === undefined || to === undefined ? 0 : to - from)

/** Sums of parts are 1 but for rounding. */
const rounded = (part: number): number => Math.min(1, Math.round(part * 1e9) / 1e9)
