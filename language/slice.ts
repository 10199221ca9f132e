import { SliceSyntaxError, type Token, tokenize } from './lexer.ts'

export { SliceSyntaxError }

/** A value from the program: the n-th `${…}` of the template. */
export interface Hole {
  readonly hole: number
}

export type SliceNumber = number | Hole

/** One item of a slice, as in NumPy. */
export type SliceItem =
  | { readonly kind: 'index'; readonly value: number }
  | { readonly kind: 'range'; readonly start?: SliceNumber; readonly stop?: SliceNumber; readonly step?: SliceNumber }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'newaxis' }
  | { readonly kind: 'list'; readonly values: readonly SliceNumber[] }
  | { readonly kind: 'mask'; readonly values: readonly boolean[] }
  /** The value decides what this is: a number is an index, an array or tensor a list or a mask. */
  | { readonly kind: 'value'; readonly hole: number }

/**
 * Parses NumPy's slice syntax: `:, -1`, `..., 3:6`, `1, 2:15:3, ::-1`, `:, None, [0, 5]`. `pieces` are the template's texts; hole n is
 * between pieces n and n + 1.
 * @throws SliceSyntaxError
 */
export function parseSlice(pieces: readonly string[]): readonly SliceItem[] {
  const parser = new Parser(tokenize(pieces))
  const items = parser.items()
  return Object.freeze(items)
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get #next(): Token {
    return this.#tokens[this.#at]
  }

  #isAtEnd(): boolean {
    return this.#next.kind === 'end'
  }

  items(): SliceItem[] {
    if (this.#isAtEnd()) this.#fail('a slice is empty: write : for a whole axis, ... for all')
    const items: SliceItem[] = []
    for (;;) {
      const start = this.#next
      const item = this.#item()
      if (item.kind === 'ellipsis' && items.some(other => other.kind === 'ellipsis'))
        this.#fail('a slice has at most one ...', start)
      items.push(item)
      if (this.#isAtEnd()) return items
      if (!this.#take(',')) this.#fail(`found ${this.#next.text}, but expected , or the end`)
      if (this.#isAtEnd()) return items
    }
  }

  #item(): SliceItem {
    if (this.#take('...')) return { kind: 'ellipsis' }
    if (this.#next.text === 'None' || this.#next.text === 'newaxis') {
      this.#at++
      return { kind: 'newaxis' }
    }
    if (this.#take('[')) return this.#list()
    const start = this.#number()
    if (!this.#take(':')) {
      if (start === undefined)
        this.#fail(`found ${this.#next.text}; a slice takes numbers, ranges a:b:c, ..., None and lists [0, 2]`)
      return typeof start === 'number' ? { kind: 'index', value: start } : { kind: 'value', hole: start.hole }
    }
    const stop = this.#number()
    const hasStep = this.#take(':')
    const at = this.#next
    const step = hasStep ? this.#number() : undefined
    if (step === 0) this.#fail('a step can’t be 0; write a number like 2 or -1', at)
    return {
      kind: 'range',
      ...(start === undefined ? {} : { start }),
      ...(stop === undefined ? {} : { stop }),
      ...(step === undefined ? {} : { step }),
    }
  }

  #list(): SliceItem {
    const numbers: SliceNumber[] = []
    const flags: boolean[] = []
    while (!this.#take(']')) {
      if (/^(True|False|true|false)$/.test(this.#next.text)) flags.push(/^t/i.test(this.#tokens[this.#at++].text))
      else {
        const number = this.#number()
        if (number === undefined) this.#fail(`found ${this.#next.text} in a list; it takes numbers, or True and False`)
        numbers.push(number)
      }
      if (!this.#take(',') && this.#next.text !== ']')
        this.#fail(`expected , or ], but found ${this.#next.text} in a list`)
    }
    if (flags.length > 0 && numbers.length > 0) this.#fail('a list has either indices or True and False')
    return flags.length > 0 ? { kind: 'mask', values: flags } : { kind: 'list', values: numbers }
  }

  #number(): SliceNumber | undefined {
    const { kind, value } = this.#next
    if (kind !== 'number' && kind !== 'hole') return undefined
    this.#at++
    return kind === 'number' ? value : { hole: value }
  }

  #take(text: string): boolean {
    if (this.#next.kind !== 'symbol' || this.#next.text !== text) return false
    this.#at++
    return true
  }

  #fail(message: string, at = this.#next): never {
    throw new SliceSyntaxError(message, at.piece, at.offset)
  }
}
