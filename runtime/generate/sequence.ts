import { positionsOf, type Rows } from '../language-inputs/prompts.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../tensor/values/convert.ts'
import type { AllTokens } from '../tracing/traceable.ts'
import type { Decoder } from './decoder.ts'
import type { Kept } from './kept-cache.ts'
import { pickRows } from './pick-rows.ts'
import { type Prompts, realTokens, rowsOf } from './prompts.ts'
import type { History } from './scores.ts'

/** The rows that the steps have made so far, and the inputs of the next step. */
export class Sequence {
  readonly #decoder: Decoder
  /** Inputs that every step gets unchanged, such as an encoder's states. */
  readonly #constant: Readonly<Record<string, unknown>>
  /** The number of tokens whose keys and values come from a cache that the caller passed. */
  readonly #before: number
  /** The ids of these tokens; undefined if they are not known. */
  readonly #past: Rows | undefined
  readonly #prompts: Rows
  /** The prompts with the tokens that a cache stands for. */
  readonly #shown: Rows
  readonly #mask: Rows
  /** The positions of the prompts' tokens. Each further token has the next position. */
  readonly #positions: Rows
  /** The tokens of each row, without padding. */
  #histories: readonly { readonly prompt: readonly number[]; readonly added: number[] }[]
  #caches: Readonly<Record<string, unknown>>
  #isFirst = true

  /**
   * @param times how many rows each prompt gets
   * @throws GenerateError
   */
  constructor(decoder: Decoder, prompts: Prompts, times: number) {
    const { named, ids, mask, whole: uncut } = prompts
    this.#decoder = decoder
    const { caches } = decoder
    const growing = caches.find(({ axis }) => axis !== undefined)
    const cache = growing && named[growing.input]
    this.#before = cache === undefined ? 0 : (toTensor(cache as TensorLike).dims[growing!.axis!] ?? 0)
    const isMade = decoder.cacheSwitch !== undefined && this.#before === 0
    const repeated = (name: string, value: unknown): unknown => repeatRows(decoder, name, value, ids.length, times)
    this.#caches = Object.fromEntries(
      caches.map(cache => {
        const own = named[cache.input] ?? decoder.empty(cache, ids.length, isMade)
        return [cache.input, repeated(cache.input, own)]
      }),
    )
    this.#prompts = repeatEach(ids, times)
    const whole = mask ?? ids.map(row => new Array<number>(this.#before + row.length).fill(1))
    this.#mask = repeatEach(whole, times)
    const positions =
      decoder.positions && named[decoder.positions] !== undefined
        ? rowsOf(named[decoder.positions], decoder.positions)
        : whole.map(row => positionsOf(row).slice(-ids[0].length))
    this.#positions = repeatEach(positions, times)
    this.#histories = repeatEach(realTokens(prompts), times).map(prompt => ({ prompt, added: [] }))
    this.#shown = repeatEach(uncut?.shown ?? ids, times)
    const past = uncut?.past ?? (this.#before === 0 ? ids.map(() => []) : undefined)
    this.#past = past && repeatEach(past, times)
    const own = new Set([
      decoder.ids,
      decoder.mask,
      decoder.positions,
      decoder.cacheSwitch,
      ...Object.keys(this.#caches),
    ])
    // An input that the model does not have is reported later, where the inputs are checked.
    this.#constant = Object.fromEntries(
      Object.entries(named).flatMap(([name, value]) => (own.has(name) ? [] : [[name, repeated(name, value)]])),
    )
  }

  get rows(): number {
    return this.#prompts.length
  }

  /** The tokens of each row so far. */
  get histories(): readonly History[] {
    return this.#histories
  }

  /** The whole prompts with their padding. */
  get prompts(): Rows {
    return this.#shown
  }

  /**
   * The tokens that the model was given so far, with their keys and values, for another generation to go on from. Undefined if the tokens are not
   * known, or the model has no cache.
   * @param ends how many new tokens of each row count
   */
  kept(model: object, ends: readonly number[]): Kept | undefined {
    const { caches } = this.#decoder
    const past = this.#past
    if (!past || caches.length === 0 || caches.some(({ axis }) => axis === undefined)) return undefined
    // The last token was chosen and not given to the model.
    const fed = this.#histories.map(({ added }) => added.slice(0, -1))
    return {
      model,
      columns: fed.map((added, row) => [...past[row], ...this.#prompts[row], ...added]),
      mask: fed.map((added, row) => [...this.#mask[row], ...added.map((_, i) => (i < ends[row] ? 1 : 0))]),
      caches: this.#caches as Readonly<Record<string, Tensor>>,
    }
  }

  /** A function that returns the tokens of each row that the next step sees, with padding and those in caches; undefined if they are unknown. */
  get seen(): AllTokens | undefined {
    const past = this.#past
    if (!past) return undefined
    // Further tokens are added to the same arrays.
    const rows = this.#histories.map(({ added }, row) => ({ added, count: added.length, before: this.#prompts[row] }))
    return () => rows.map(({ added, count, before }, row) => [...past[row], ...before, ...added.slice(0, count)])
  }

  /** How many tokens the longest prompt has, without its padding. */
  get longest(): number {
    return Math.max(...this.#positions.map(row => row[row.length - 1] + 1))
  }

  /** How many tokens a prompt has, with its padding and with the tokens of a cache that the caller passed. */
  get width(): number {
    return this.#before + this.#prompts[0].length
  }

  /** How many columns of padding stand before each row. */
  get padding(): readonly number[] {
    return this.#mask.map(row => Math.max(0, row.indexOf(1)))
  }

  /** The last token of each row. */
  get latestTokens(): readonly number[] {
    return this.#histories.map(({ added }) => added[added.length - 1])
  }

  /** Keys and values of the tokens that the model was given so far, by input. */
  get caches(): Readonly<Record<string, unknown>> {
    return this.#caches
  }

  /** The inputs of the next step. */
  get inputs(): Record<string, unknown> {
    const { ids, mask, positions, cacheSwitch, caches } = this.#decoder
    const steps = this.#histories[0].added.length
    const isWhole = this.#isFirst || caches.length === 0
    const all = (rows: Rows, next: (row: number) => readonly number[]): Rows =>
      rows.map((row, i) => (isWhole ? [...row, ...next(i)] : next(i).slice(-1)))
    const last = (row: number): number => this.#positions[row][this.#positions[row].length - 1]
    return {
      ...this.#constant,
      ...this.#caches,
      [ids]: all(this.#prompts, row => this.#histories[row].added),
      ...(mask ? { [mask]: this.#mask.map(row => [...row, ...new Array<number>(steps).fill(1)]) } : {}),
      ...(positions
        ? { [positions]: all(this.#positions, row => Array.from({ length: steps }, (_, i) => last(row) + 1 + i)) }
        : {}),
      ...(cacheSwitch ? { [cacheSwitch]: [!this.#isFirst || this.#before > 0] } : {}),
    }
  }

  /**
   * Adds what a step has chosen, one token for each row, and the caches that it returned.
   * @param parents the row that each token continues; undefined if each continues its own
   */
  append(
    tokens: readonly number[],
    caches: Readonly<Record<string, Tensor>>,
    parents: readonly number[] | undefined,
  ): void {
    const isMoved = parents?.some((parent, row) => parent !== row) ?? false
    const before = this.#histories
    if (isMoved) this.#histories = parents!.map(parent => ({ ...before[parent], added: [...before[parent].added] }))
    for (const [row, { added }] of this.#histories.entries()) added.push(tokens[row])
    // A merged decoder computes the keys and values of the encoder's states once. Later steps return nothing for them, so the first ones are kept.
    const grownCaches = this.#decoder.caches.flatMap(({ input, output, axis, batchAxis }) => {
      const cache = output === undefined ? undefined : caches[output]
      if (!cache || cache.size === 0) return []
      return [[input, isMoved && axis !== undefined ? pickRows(cache, batchAxis, parents!) : cache] as const]
    })
    this.#caches = { ...this.#caches, ...Object.fromEntries(grownCaches) }
    this.#isFirst = false
  }
}

const repeatEach = <T>(rows: readonly T[], times: number): readonly T[] =>
  times === 1 ? rows : rows.flatMap(row => new Array<T>(times).fill(row))

/** Repeats each row of an input `times` times. An input without a row for each prompt stays as it is. */
function repeatRows(decoder: Decoder, name: string, value: unknown, prompts: number, times: number): unknown {
  const axis = decoder.batchAxis(name)
  if (times === 1 || axis === undefined || value === undefined) return value
  const tensor = toTensor(value as TensorLike, { type: decoder.typeOf(name) })
  if (tensor.dims[axis] !== prompts) return value
  return pickRows(tensor, axis, repeatEach([...Array(prompts).keys()], times))
}
