import { type Place, TemplateSyntaxError } from './ast.ts'

export interface Token {
  readonly kind: 'number' | 'string' | 'word' | 'hole' | 'symbol' | 'newline' | 'end'
  /** The token's text: for a string, its contents; for a newline, the indentation of the next line. */
  readonly text: string
  /** The value of a number, or the index of a hole. */
  readonly value: number
  readonly at: Place
}

const SPACE = /[^\S\n]*(?:#[^\n]*)?/y
const NUMBER = /\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?/y
const INDEX = /\d+/y
// These expressions are built at run time, because the Babel in Next.js does not support \p{L} in a literal.
const LETTER = '\\p{L}'
const WORD = new RegExp(`[${LETTER}_][${LETTER}\\p{N}_]*`, 'uy')
const STRING = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y
const SYMBOL = /\*\*=|\/\/=|\.\.\.|…|\*\*|\/\/|[-+*/%@&|^<>=!]=|[-+*/%@&|^<>=~.,:;()[\]]/y

const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']' }

/** Splits the texts of a template into tokens, with a hole between two texts. Line ends are tokens, except inside brackets. */
export function tokenize(pieces: readonly string[]): Token[] {
  return new Lexer(pieces).run()
}

class Lexer {
  readonly #pieces: readonly string[]
  readonly #tokens: Token[] = []
  readonly #open: Token[] = []
  #piece = 0
  #offset = 0

  constructor(pieces: readonly string[]) {
    this.#pieces = pieces
  }

  run(): Token[] {
    for (this.#piece = 0; this.#piece < this.#pieces.length; this.#piece++) {
      this.#offset = 0
      if (this.#piece > 0) this.#hole(this.#piece - 1)
      this.#lexPiece(this.#pieces[this.#piece])
    }
    this.#piece--
    const unclosed = this.#open.at(-1)
    if (unclosed)
      throw new TemplateSyntaxError(
        `this ${unclosed.text} is never closed`,
        unclosed.at,
        `add a ${pairs[unclosed.text]}`,
      )
    this.#push('end', 'the end')
    return this.#tokens
  }

  /** Adds a hole, whose place is the end of the text before it. */
  #hole(index: number): void {
    const at = { piece: index, offset: this.#pieces[index].length }
    this.#tokens.push({ kind: 'hole', text: '${…}', value: index, at })
  }

  #lexPiece(text: string): void {
    for (;;) {
      this.#offset += matched(SPACE, text, this.#offset)?.length ?? 0
      if (this.#offset >= text.length) return
      if (text[this.#offset] === '\n') this.#newline(text)
      else this.#token(text)
    }
  }

  #newline(text: string): void {
    const indent = /[^\S\n]*/y
    const before = matched(indent, text, this.#offset + 1) ?? ''
    if (this.#open.length === 0) this.#push('newline', before)
    this.#offset++
  }

  #token(text: string): void {
    const at = this.#offset
    const previous = this.#tokens.at(-1)
    // After a dot, a number is the name of a layer: h.5.output.
    const layer = previous?.text === '.' && previous.kind === 'symbol' ? matched(INDEX, text, at) : undefined
    const word = layer ?? matched(WORD, text, at)
    const number = isValueEnd(previous) && text[at] === '.' ? undefined : matched(NUMBER, text, at)
    const string = matched(STRING, text, at)
    const symbol = matched(SYMBOL, text, at)
    if (word !== undefined) this.#take('word', word)
    else if (number !== undefined) this.#number(number, matched(WORD, text, at + number.length))
    else if (string !== undefined) this.#take('string', string.slice(1, -1).replace(/\\(.)/g, '$1'), 0, string.length)
    else if (symbol !== undefined) this.#symbol(symbol)
    else this.#unknown(String.fromCodePoint(text.codePointAt(at)!))
  }

  #number(text: string, unit: string | undefined): void {
    if (unit !== undefined) this.#fail(`${text}${unit} is not a number`, 'names begin with a letter')
    this.#take('number', text, Number(text.replaceAll('_', '')))
  }

  #unknown(found: string): never {
    if (found === "'" || found === '"') this.#fail('this text is never closed', `add a ${found} on the same line`)
    this.#fail(`found ${found}, which the template language does not have`, hints[found])
  }

  #symbol(symbol: string): void {
    this.#take('symbol', symbol === '…' ? '...' : symbol, 0, symbol.length)
    const token = this.#tokens.at(-1)!
    if (symbol in pairs) this.#open.push(token)
    if (symbol !== ')' && symbol !== ']') return
    const opened = this.#open.pop()
    if (!opened) throw new TemplateSyntaxError(`this ${symbol} closes nothing`, token.at, 'remove it')
    if (pairs[opened.text] !== symbol)
      throw new TemplateSyntaxError(`expected ${pairs[opened.text]}, but found ${symbol}`, token.at)
  }

  #take(kind: Token['kind'], text: string, value = 0, length = text.length): void {
    this.#push(kind, text, value)
    this.#offset += length
  }

  #push(kind: Token['kind'], text: string, value = 0): void {
    this.#tokens.push({ kind, text, value, at: { piece: this.#piece, offset: this.#offset } })
  }

  #fail(message: string, fix?: string): never {
    throw new TemplateSyntaxError(message, { piece: this.#piece, offset: this.#offset }, fix)
  }
}

const hints: Readonly<Record<string, string>> = {
  '!': 'write ~ for not, and != for unequal',
  '?': 'write where(condition, a, b)',
  '{': 'a block is what stands indented below its for',
  '}': 'a block is what stands indented below its for',
  '\\': 'put a long expression into parentheses: lines do not count there',
}

/** Whether a dot after this token begins a member, and not a decimal fraction. */
function isValueEnd(token: Token | undefined): boolean {
  if (!token) return false
  return (
    token.kind === 'word' ||
    token.kind === 'hole' ||
    token.kind === 'string' ||
    token.text === ')' ||
    token.text === ']'
  )
}

function matched(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
