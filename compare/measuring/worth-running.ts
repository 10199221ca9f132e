/** What one input has said of a unit's error. */
interface Run {
  /** Its share of the error of B's output, in the power in which shares add up. */
  readonly effect: number
  readonly total: number
  /** The square of the error that the unit makes, as a share of its output's length. */
  readonly square: number
}

/** A unit whose share would be below this part, and below this part of the largest share, is left out. */
const SMALL = { share: 0.01, ofLargest: 0.1 }
/** Errors are slight if their squares together are at most this part of those of all: about as small a share is expected of them. */
const SLIGHT = 0.001
/** A share is settled if its standard error is at most this part of it, or this part of the whole error. */
const SETTLED = { ofShare: 0.05, ofAll: 0.01 }
/** How many inputs run with a unit's error before it can be left out, how many before that needs no margin, and how many before a share can be settled. */
const LEAST = { all: 1, known: 2, settled: 4 }
/** Until enough inputs are known, an error is taken to do so many times more on the others. */
export const MARGIN = 10

/**
 * Decides with which units' errors an input runs. The first eighth of the inputs runs with all. After that, a unit is left out where its share
 * would be small, by its error on this input and what such an error did to the others, or where the inputs so far have settled its share. Up to
 * a quarter of the inputs, a share is small only if ten times as much would be.
 */
export class WorthRunning {
  readonly #runs = new Map<string, Run[]>()
  readonly #power: number
  readonly #first: number
  readonly #known: number
  readonly #settled: number

  /** @param power errors of the metric add up in this power */
  constructor(inputs: number, power: number) {
    this.#power = power
    this.#first = Math.max(LEAST.all, Math.ceil(inputs / 8))
    this.#known = Math.max(LEAST.known, Math.ceil(inputs / 4))
    this.#settled = Math.max(LEAST.settled, Math.ceil(inputs / 2))
  }

  /**
   * Whether an input should run with the unit's error.
   * @param total the error of B's output on this input
   * @param size the error that the unit makes on it, as a share of its output's length
   */
  has(unit: string, total: number, size: number): boolean {
    const runs = this.#runs.get(unit) ?? []
    if (runs.length < this.#first) return true
    const all = total ** this.#power
    const gain = Math.max(...runs.map(({ effect, square }) => effect / square))
    const expected = (gain * size ** 2) / all
    if (!Number.isFinite(expected) || runs.some(({ effect, total }) => !Number.isFinite(effect + total))) return true
    if (this.#isSmall(runs.length < this.#known ? MARGIN * expected : expected)) return false
    const share = shareOf(runs)
    const isUsual = expected < 2 * share && expected > share / 2
    return !(
      isUsual &&
      runs.length >= this.#settled &&
      errorOf(runs) <= Math.max(SETTLED.ofShare * share, SETTLED.ofAll)
    )
  }

  /** Of these units, those to run all at once: too few inputs are known, but their errors are next to nothing beside those of all. */
  slightOf<U extends { readonly key: string; readonly size: number }>(units: readonly U[]): U[] {
    if (this.#first === Number.POSITIVE_INFINITY) return []
    const most = SLIGHT * squaresOf(units)
    const slight = units
      .filter(({ key }) => (this.#runs.get(key) ?? []).length < this.#first)
      .sort((one, other) => one.size - other.size)
      .filter((_, i, ordered) => squaresOf(ordered.slice(0, i + 1)) <= most)
    return slight.length > 1 ? slight : []
  }

  /** Whether this effect of several errors is so small that those of each need not be known. */
  isSmall(effect: number, total: number): boolean {
    return this.#isSmall(MARGIN * (effect / total) ** this.#power)
  }

  #isSmall(share: number): boolean {
    return share < Math.min(SMALL.share, SMALL.ofLargest * this.#largest())
  }

  /** The part that each unit has in what their errors did together, by the squares of their sizes. */
  partsOf(effect: number, units: readonly { readonly size: number }[]): number[] {
    return units.map(({ size }) => effect * (size ** 2 / squaresOf(units)) ** (1 / this.#power))
  }

  /** Notes what the unit's error did on an input. */
  add(unit: string, effect: number, total: number, size: number): void {
    const run = { effect: effect ** this.#power, total: total ** this.#power, square: size ** 2 }
    this.#runs.set(unit, [...(this.#runs.get(unit) ?? []), run])
  }

  #largest(): number {
    return [...this.#runs.values()].reduce((largest, runs) => Math.max(largest, shareOf(runs)), 0)
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

const squaresOf = (units: readonly { readonly size: number }[]): number => sum(units.map(({ size }) => size ** 2))

const shareOf = (runs: readonly Run[]): number =>
  sum(runs.map(({ effect }) => effect)) / sum(runs.map(({ total }) => total))

/** The standard error of the share, as that of a ratio estimate (Cochran, Sampling Techniques, 6.4). */
function errorOf(runs: readonly Run[]): number {
  const share = shareOf(runs)
  const mean = sum(runs.map(({ total }) => total)) / runs.length
  const squares = sum(runs.map(({ effect, total }) => (effect - share * total) ** 2))
  return Math.sqrt(squares / (runs.length * (runs.length - 1))) / mean
}
