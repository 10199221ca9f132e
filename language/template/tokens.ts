import { type Place, TemplateSyntaxError } from './ast.ts'
import type { Token } from './lexer.ts'

const MOST_NESTED = 200

/** The tokens of a template, and the position of the parser in them. */
export class Tokens {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get next(): Token {
    return this.#tokens[this.#at]
  }

  /** Returns the next token without consuming it. */
  peek(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)]
  }

  /** Parses a part that may contain parts of its own kind. It refuses a depth that people don't write before the stack overflows. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MOST_NESTED) this.fail('this is nested too deeply', 'give inner parts names of their own')
    try {
      return read()
    } finally {
      this.#depth--
    }
  }

  /** Consumes the next token. The last token is never consumed. */
  advance(): void {
    if (this.next.kind !== 'end') this.#at++
  }

  /** Consumes the next token if it is this symbol. Returns whether it was. */
  take(symbol: string): boolean {
    if (this.next.kind !== 'symbol' || this.next.text !== symbol) return false
    this.#at++
    return true
  }

  takeWord(word: string): boolean {
    if (this.next.kind !== 'word' || this.next.text !== word) return false
    this.#at++
    return true
  }

  expect(symbol: string, why: string): void {
    if (!this.take(symbol)) this.fail(`expected ${symbol} ${why}, but found ${this.describe()}`)
  }

  word(what: string): Token {
    const { next } = this
    if (next.kind !== 'word') this.fail(`expected ${what}, but found ${this.describe()}`)
    this.#at++
    return next
  }

  describe(): string {
    const { kind, text } = this.next
    return kind === 'newline' ? 'the end of the line' : kind === 'string' ? JSON.stringify(text) : text
  }

  fail(message: string, fix?: string, at: Place = this.next.at): never {
    throw new TemplateSyntaxError(message, at, fix)
  }
}
