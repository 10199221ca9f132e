import { PositionError } from '../errors/prompt.ts'
import { spansOf } from './spans.ts'
import type { Tokenizer } from './tokenizer.ts'

/** One token of a prompt. */
export interface Token {
  /** The token's position in the prompt, from 0. */
  readonly position: number
  readonly id: number
  /** The token's text. A part of a character is shown by its spelling in the vocabulary. */
  readonly text: string
  /** Where the token's text begins and ends in `tokens.text`. A token that the tokenizer added has no length. */
  readonly start: number
  readonly end: number
}

/**
 * A place in a prompt: a position from 0, or from the end if it is negative; a text or a pattern that the tokens spell; or a range of
 * characters, `[start, end]`.
 */
export type TokenPlace = number | string | RegExp | readonly [start: number, end: number]

/** Which of the tokens at a place. */
export type WhichToken = 'first' | 'last' | 'all'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** The tokens of one prompt. */
export class Tokens implements Iterable<Token> {
  /** The prompt as text. */
  readonly text: string
  /** The id of each token. */
  readonly ids: readonly number[]
  /** The text of each token. */
  readonly strings: readonly string[]
  readonly #spans: readonly (readonly [start: number, end: number])[]
  readonly #tokenizer: Tokenizer

  constructor(tokenizer: Tokenizer, ids: readonly number[], strings: readonly string[], text?: string) {
    this.#tokenizer = tokenizer
    this.ids = ids
    this.strings = strings
    const found = spansOf(tokenizer, ids, text)
    this.text = found.text
    this.#spans = found.spans
  }

  /** The number of tokens. */
  get length(): number {
    return this.ids.length
  }

  *[Symbol.iterator](): Generator<Token, undefined> {
    for (const [position, id] of this.ids.entries()) {
      const [start, end] = this.#spans[position]
      yield { position, id, text: this.strings[position], start, end }
    }
  }

  /**
   * The position of the tokens that a text, a pattern or a range of characters covers, in whole or in part: of the first one, of the last
   * one, or of all. @throws PositionError if there is none
   * @example
   * const position = model.tokens('The Eiffel Tower is in Paris').at(' Paris')
   */
  at(place: TokenPlace, which?: 'first' | 'last'): number
  at(place: TokenPlace, which: 'all'): number[]
  at(place: TokenPlace, which?: WhichToken): number | number[]
  at(place: TokenPlace, which: WhichToken = 'first'): number | number[] {
    const found = typeof place === 'number' ? this.#counted(place) : this.#covered(place)
    if (which === 'all') return found
    return which === 'last' ? found[found.length - 1] : found[0]
  }

  #counted(position: number): number[] {
    const own = position < 0 ? position + this.length : position
    if (Number.isInteger(own) && own >= 0 && own < this.length) return [own]
    throw new PositionError(
      `There is no token ${position}: the prompt has ${this.length}.`,
      `give 0 to ${this.length - 1}, or -${this.length} to -1, which count from the end`,
    )
  }

  #covered(place: Exclude<TokenPlace, number>): number[] {
    const ranges =
      typeof place === 'string' ? this.#occurrences(place) : place instanceof RegExp ? this.#matches(place) : [place]
    const found = this.#spans.flatMap(([start, end], i) =>
      ranges.some(([from, to]) => start < to && from < end) ? [i] : [],
    )
    if (found.length > 0) return found
    throw new PositionError(
      `No token of the prompt is at ${showPlace(place)}. Its tokens are ${this.strings.map(text => JSON.stringify(text)).join(', ')}.`,
      'look at model.tokens(prompt): a space usually belongs to the token after it',
    )
  }

  #occurrences(text: string): (readonly [number, number])[] {
    const found = occurrences(this.text, text)
    if (found.length > 0 || text === '') return found
    // A tokenizer may write a text in another way: some have no capitals.
    const { ids } = this.#tokenizer.encode(text, { add_special_tokens: false })
    return ids.length === 0 ? [] : occurrences(this.text, this.#tokenizer.decode([...ids]))
  }

  #matches(pattern: RegExp): (readonly [number, number])[] {
    const all = new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`)
    return Array.from(this.text.matchAll(all), ({ index, 0: text }) => [index, index + text.length] as const)
  }

  /** One line for each token: its position, its id and its text. */
  toString(): string {
    const width = String(Math.max(0, this.length - 1)).length
    const idWidth = Math.max(1, ...this.ids.map(id => String(id).length))
    return Array.from(
      this,
      ({ position, id, text }) =>
        `${String(position).padStart(width)}  ${String(id).padStart(idWidth)}  ${JSON.stringify(text)}`,
    ).join('\n')
  }

  [INSPECT](): string {
    return `Tokens(${this.length}\n${this})`
  }
}

/** A place as messages show it. */
export function showPlace(place: TokenPlace): string {
  if (typeof place === 'string') return JSON.stringify(place)
  return Array.isArray(place) ? `characters ${place[0]} to ${place[1]}` : String(place)
}

function occurrences(text: string, part: string): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = []
  if (part === '') return found
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) found.push([at, at + part.length])
  return found
}
