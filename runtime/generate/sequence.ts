import { GenerateError } from '../errors/generate.ts'
import { padPrompts, positionsOf, type Rows } from '../language-inputs/prompts.ts'
import { isPlain } from '../tensor/arguments/plain-objects.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../tensor/values/convert.ts'
import type { Decoder } from './decoder.ts'

/** What the steps have made so far, and the inputs of the next one. */
export class Sequence {
  readonly #decoder: Decoder
  /** What is given to every step as it is: an encoder's states, say. */
  readonly #constant: Readonly<Record<string, unknown>>
  /** Tokens whose keys and values the model was given from outside. */
  readonly #before: number
  #ids: Rows
  #mask: Rows
  #positions: Rows
  #caches: Readonly<Record<string, unknown>>
  #isFirst = true

  /**
   * @param inputs the inputs of the first step: ids alone, or by name. Prompts of different lengths are padded on the left.
   * @throws GenerateError
   */
  constructor(decoder: Decoder, inputs: unknown, padding: number) {
    this.#decoder = decoder
    const named = byName(inputs, decoder.ids)
    const { ids, mask } = promptOf(decoder, named, padding)
    this.#ids = ids
    const { caches } = decoder
    const growing = caches.find(({ axis }) => axis !== undefined)
    const past = growing && named[growing.input]
    this.#before = past === undefined ? 0 : (toTensor(past as TensorLike).dims[growing!.axis!] ?? 0)
    const isMade = decoder.cacheSwitch !== undefined && this.#before === 0
    this.#caches = Object.fromEntries(
      caches.map(cache => [cache.input, named[cache.input] ?? decoder.empty(cache, ids.length, isMade)]),
    )
    this.#mask = mask ?? ids.map(row => new Array<number>(this.#before + row.length).fill(1))
    this.#positions =
      decoder.positions && named[decoder.positions] !== undefined
        ? rowsOf(named[decoder.positions], decoder.positions)
        : this.#mask.map(row => positionsOf(row).slice(-ids[0].length))
    const own = new Set([
      decoder.ids,
      decoder.mask,
      decoder.positions,
      decoder.cacheSwitch,
      ...Object.keys(this.#caches),
    ])
    // What the model does not take is found, and said, where its inputs are checked.
    this.#constant = Object.fromEntries(Object.entries(named).filter(([name]) => !own.has(name)))
  }

  get rows(): number {
    return this.#ids.length
  }

  /** All tokens, the prompt's first: int64, `[batch, tokens]`. */
  get ids(): Tensor {
    return toTensor(this.#ids as number[][], { type: 'int64' })
  }

  /** How many tokens the longest row has, without its padding. */
  get longest(): number {
    return Math.max(...this.#positions.map(row => row[row.length - 1] + 1))
  }

  /** How many tokens there are with padding, and with those that the model was given from outside. */
  get width(): number {
    return this.#before + this.#ids[0].length
  }

  /** The inputs of the step that comes. */
  get inputs(): Record<string, unknown> {
    const { ids, mask, positions, cacheSwitch, caches } = this.#decoder
    const isWhole = this.#isFirst || caches.length === 0
    const part = (rows: Rows): Rows => (isWhole ? rows : rows.map(row => row.slice(-1)))
    return {
      ...this.#constant,
      ...this.#caches,
      [ids]: part(this.#ids),
      ...(mask ? { [mask]: this.#mask } : {}),
      ...(positions ? { [positions]: part(this.#positions) } : {}),
      ...(cacheSwitch ? { [cacheSwitch]: [!this.#isFirst || this.#before > 0] } : {}),
    }
  }

  /** A step has chosen these tokens, one for each row, and given these caches. */
  append(tokens: readonly number[], caches: Readonly<Record<string, Tensor>>): void {
    this.#ids = this.#ids.map((row, i) => [...row, tokens[i]])
    this.#mask = this.#mask.map(row => [...row, 1])
    this.#positions = this.#positions.map(row => [...row, row[row.length - 1] + 1])
    // A merged decoder gives nothing for what it computed once, of the encoder's states: that stays.
    const grownCaches = this.#decoder.caches.flatMap(({ input, output }) => {
      const cache = output === undefined ? undefined : caches[output]
      return cache && cache.size > 0 ? [[input, cache] as const] : []
    })
    this.#caches = { ...this.#caches, ...Object.fromEntries(grownCaches) }
    this.#isFirst = false
  }
}

function byName(inputs: unknown, ids: string): Record<string, unknown> {
  const isNamed = typeof inputs === 'object' && inputs !== null && isPlain(inputs)
  return isNamed ? (inputs as Record<string, unknown>) : { [ids]: inputs }
}

/** Ids of the same length, and a mask where there is padding or one was given. */
function promptOf(
  decoder: Decoder,
  named: Readonly<Record<string, unknown>>,
  padding: number,
): { ids: Rows; mask: Rows | undefined } {
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
