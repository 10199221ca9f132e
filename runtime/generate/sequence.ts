import { GenerateError } from '../errors/generate.ts'
import { padPrompts, positionsOf, type Rows } from '../language-inputs/prompts.ts'
import { isPlain } from '../tensor/arguments/plain-objects.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../tensor/values/convert.ts'
import type { Decoder } from './decoder.ts'
import { pickRows } from './pick-rows.ts'
import type { History } from './scores.ts'

/** The rows that the steps have made so far, and the inputs of the next step. */
export class Sequence {
  readonly #decoder: Decoder
  /** What is given to every step as it is: an encoder's states, say. */
  readonly #constant: Readonly<Record<string, unknown>>
  /** Tokens whose keys and values the model was given from outside. */
  readonly #before: number
  readonly #prompts: Rows
  readonly #mask: Rows
  /** Those of the prompts; each further token has the next one. */
  readonly #positions: Rows
  /** What each row has, without padding. */
  #histories: readonly { readonly prompt: readonly number[]; readonly added: number[] }[]
  #caches: Readonly<Record<string, unknown>>
  #isFirst = true

  /**
   * @param times each prompt is there so often
   * @throws GenerateError
   */
  constructor(decoder: Decoder, { named, ids, mask }: Prompts, times: number) {
    this.#decoder = decoder
    const { caches } = decoder
    const growing = caches.find(({ axis }) => axis !== undefined)
    const past = growing && named[growing.input]
    this.#before = past === undefined ? 0 : (toTensor(past as TensorLike).dims[growing!.axis!] ?? 0)
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
    this.#histories = this.#prompts.map((row, i) => {
      const own = this.#mask[i].slice(-row.length)
      return { prompt: row.filter((_, at) => own[at] !== 0), added: [] }
    })
    const own = new Set([
      decoder.ids,
      decoder.mask,
      decoder.positions,
      decoder.cacheSwitch,
      ...Object.keys(this.#caches),
    ])
    // What the model does not take is found, and said, where its inputs are checked.
    this.#constant = Object.fromEntries(
      Object.entries(named).flatMap(([name, value]) => (own.has(name) ? [] : [[name, repeated(name, value)]])),
    )
  }

  get rows(): number {
    return this.#prompts.length
  }

  /** What each row has so far. */
  get histories(): readonly History[] {
    return this.#histories
  }

  /** The prompts with their padding. */
  get prompts(): Rows {
    return this.#prompts
  }

  /** How many tokens the longest prompt has, without its padding. */
  get longest(): number {
    return Math.max(...this.#positions.map(row => row[row.length - 1] + 1))
  }

  /** How many tokens a prompt has with padding, and with those that the model was given from outside. */
  get width(): number {
    return this.#before + this.#prompts[0].length
  }

  /** The last token of each row. */
  get latestTokens(): readonly number[] {
    return this.#histories.map(({ added }) => added[added.length - 1])
  }

  /** Keys and values of the tokens that the model was given so far, by input. */
  get caches(): Readonly<Record<string, unknown>> {
    return this.#caches
  }

  /** The inputs of the step that comes. */
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
   * A step has chosen these tokens, one for each row, and given these caches.
   * @param parents the row that each one continues, where it is not its own
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
    // A merged decoder gives nothing for what it computed once, of the encoder's states: that stays.
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

/** Each row of an input `times` times. What has no row for each prompt stays as it is. */
function repeatRows(decoder: Decoder, name: string, value: unknown, prompts: number, times: number): unknown {
  const axis = decoder.batchAxis(name)
  if (times === 1 || axis === undefined || value === undefined) return value
  const tensor = toTensor(value as TensorLike, { type: decoder.typeOf(name) })
  if (tensor.dims[axis] !== prompts) return value
  return pickRows(tensor, axis, repeatEach([...Array(prompts).keys()], times))
}

/** The prompts as the first step takes them. */
export interface Prompts {
  /** What was given, by name. */
  readonly named: Readonly<Record<string, unknown>>
  /** Ids of the same length. */
  readonly ids: Rows
  /** Where there is padding, or one was given. */
  readonly mask: Rows | undefined
}

/**
 * @param inputs the inputs of the first step: ids alone, or by name. Prompts of different lengths are padded on the left.
 * @throws GenerateError
 */
export function promptRows(decoder: Decoder, inputs: unknown, padding: number): Prompts {
  const isNamed = typeof inputs === 'object' && inputs !== null && isPlain(inputs)
  const named = isNamed ? (inputs as Record<string, unknown>) : { [decoder.ids]: inputs }
  return { named, ...paddedIds(decoder, named, padding) }
}

function paddedIds(
  decoder: Decoder,
  named: Readonly<Record<string, unknown>>,
  padding: number,
): Omit<Prompts, 'named'> {
  const rows = rowsOf(named[decoder.ids], decoder.ids)
  const length = Math.max(...rows.map(row => row.length))
  const userMask = decoder.mask ? named[decoder.mask] : undefined
  const mask = userMask === undefined ? undefined : rowsOf(userMask, decoder.mask!)
  if (rows.every(row => row.length === length)) return { ids: rows, mask }
  if (mask)
    throw new GenerateError(
      `The rows of ${decoder.ids} have different lengths, and ${decoder.mask} was given too.`,
      'leave out the mask: onnsight makes it when it pads prompts',
    )
  if (!decoder.mask || decoder.paddingSide === 'right')
    throw new GenerateError(
      `The prompts have different lengths, and the model has no ${decoder.mask ? 'position_ids' : 'attention_mask'}: padding would change what it computes.`,
      'generate from prompts of one length in one call, and from each other length in a call of its own',
    )
  return padPrompts(rows, 'left', padding)
}

function rowsOf(value: unknown, name: string): number[][] {
  const nested = value instanceof Tensor || ArrayBuffer.isView(value) ? toTensor(value as TensorLike).tolist() : value
  const isRows =
    Array.isArray(nested) && nested.length > 0 && nested.every(row => Array.isArray(row) && row.every(isInteger))
  if (isRows) {
    const rows = (nested as (number | bigint | boolean)[][]).map(row => row.map(Number))
    if (rows.every(row => row.length > 0)) return rows
    throw new GenerateError(`A row of ${name} is empty: there is no token to go on from.`, 'give each prompt a token')
  }
  throw new GenerateError(
    value === undefined ? `generate() was given no ${name}.` : `${name} is not a list of rows of integers.`,
    `pass { ${name}: [[464, 3290]] }: one row for each prompt`,
  )
}

const isInteger = (value: unknown): boolean =>
  typeof value === 'bigint' || typeof value === 'boolean' || Number.isInteger(value)
