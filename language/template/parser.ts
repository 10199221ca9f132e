import { type BinaryOperator, type Expression, type Iterated, type Statement, TemplateSyntaxError } from './ast.ts'
import { keywords, parseExpression } from './expressions.ts'
import { type Token, tokenize } from './lexer.ts'
import { Tokens } from './tokens.ts'

export * from './ast.ts'

export interface ParseOptions {
  /** Whether a line may be a value that is not used. The REPL shows it; elsewhere it is a mistake. */
  readonly allowValues?: boolean
}

/**
 * Parses a template. `pieces` are its texts; hole n is between pieces n and n + 1. The grammar is in docs/template.md.
 * @throws TemplateSyntaxError at the exact place
 */
export function parseTemplate(pieces: readonly string[], options: ParseOptions = {}): readonly Statement[] {
  return new Parser(tokenize(pieces), options).program()
}

const starters: ReadonlySet<string> = new Set(['save', 'skip', 'stop', 'for'])
const augmented: ReadonlySet<string> = new Set(['+', '-', '*', '/', '//', '%', '@', '**', '&', '|', '^'])

class Parser {
  readonly #tokens: Tokens
  readonly #allowValues: boolean
  /** The indentation of the line that is being parsed; unknown for text right after the backtick. */
  #indent: string | undefined
  #afterBlock = false
  readonly #saved = new Set<string>()

  constructor(tokens: readonly Token[], { allowValues = false }: ParseOptions) {
    this.#tokens = new Tokens(tokens)
    this.#allowValues = allowValues
  }

  program(): Statement[] {
    this.#skipLines()
    const statements = this.#block('')
    if (this.#tokens.next.kind !== 'end') this.#tokens.fail(`expected a line, but found ${this.#tokens.describe()}`)
    return statements
  }

  /** Parses the statements of one indentation, which is deeper than `outer`. */
  #block(outer: string): Statement[] {
    const statements: Statement[] = []
    let own: string | undefined
    while (this.#tokens.next.kind !== 'end') {
      const indent = this.#indent
      if (indent !== undefined && own !== undefined && indent !== own) {
        if (indent.length < own.length && outer.startsWith(indent)) return statements
        this.#tokens.fail(
          indent.length > own.length
            ? 'this line is indented, but there is no for before it'
            : 'this line is indented differently from the others',
          'give the lines of a block the same indentation',
        )
      }
      own ??= indent
      statements.push(this.#statement(own ?? outer))
      this.#endOfStatement()
    }
    return statements
  }

  /** Parses the end of a statement: the end of the line, or a semicolon. */
  #endOfStatement(): void {
    if (this.#tokens.take(';')) {
      this.#skipLines(true)
      return
    }
    const { kind } = this.#tokens.next
    if (kind === 'end' || kind === 'newline') {
      this.#skipLines()
      return
    }
    // The end of an indented block has already consumed its newline.
    if (this.#afterBlock) {
      this.#afterBlock = false
      return
    }
    this.#tokens.fail(`found ${this.#tokens.describe()}, but the line should end here`, ending(this.#tokens.next))
  }

  #skipLines(onlyIfAny = false): void {
    if (onlyIfAny && this.#tokens.next.kind !== 'newline') return
    while (this.#tokens.next.kind === 'newline') {
      this.#indent = this.#tokens.next.text
      this.#tokens.advance()
    }
  }

  #statement(indent: string): Statement {
    const { next } = this.#tokens
    const { at } = next
    this.#afterBlock = false
    if (next.kind === 'word' && starters.has(next.text)) {
      this.#tokens.advance()
      switch (next.text) {
        case 'save':
          return this.#save(next)
        case 'skip':
          return this.#skip(next)
        case 'stop':
          return { kind: 'stop', at }
        case 'for':
          return this.#for(next, indent)
      }
    }
    const target = parseExpression(this.#tokens)
    const operator = this.#assignment()
    if (operator !== undefined) {
      checkTarget(target)
      const value = parseExpression(this.#tokens)
      if (this.#tokens.next.text === '=' && this.#tokens.next.kind === 'symbol')
        this.#tokens.fail('assignments can’t be chained', 'write one line for each')
      return { kind: 'assign', target, value, at, ...(operator === '' ? {} : { operator }) }
    }
    if (target.kind === 'call' && target.callee.kind === 'name' && target.callee.name === 'print') {
      if (target.named.length > 0) this.#tokens.fail('print takes values only', undefined, target.named[0].at)
      return { kind: 'print', values: target.positional, at }
    }
    if (
      !this.#allowValues &&
      (this.#tokens.next.kind === 'newline' || this.#tokens.next.kind === 'end' || this.#tokens.next.text === ';')
    )
      throw new TemplateSyntaxError('this line does nothing', at, 'keep its value: save NAME = …')
    return { kind: 'value', value: target, at }
  }

  /** Parses an assignment sign: '' for `=`, the operator for `+=` and the like; undefined if none follows. */
  #assignment(): BinaryOperator | '' | undefined {
    const { kind, text } = this.#tokens.next
    if (kind !== 'symbol' || !text.endsWith('=') || /^[<>=!]=$/.test(text)) return undefined
    const operator = text.slice(0, -1)
    if (operator !== '' && !augmented.has(operator)) return undefined
    const { at } = this.#tokens.next
    this.#tokens.advance()
    const { next } = this.#tokens
    // `= +` with a space between is an assignment of a signed value.
    if (operator === '' && next.text === '+' && next.at.piece === at.piece && next.at.offset === at.offset + 1)
      this.#tokens.fail('=+ only assigns: it adds nothing', 'write +=', at)
    return operator as BinaryOperator | ''
  }

  #save({ at }: Token): Statement {
    const name = this.#name('save NAME = …')
    if (/^[.[(]$/.test(this.#tokens.next.text))
      this.#tokens.fail('what is saved needs a name', `write save NAME = ${name}${this.#tokens.next.text}…`, at)
    if (this.#saved.has(name))
      this.#tokens.fail(
        `${name} is saved twice, and only one of them could be given`,
        'save it once, or under another name',
        at,
      )
    this.#saved.add(name)
    if (!this.#tokens.take('=')) return { kind: 'save', name, at }
    return { kind: 'save', name, value: parseExpression(this.#tokens), at }
  }

  #skip({ at }: Token): Statement {
    const module = parseExpression(this.#tokens)
    if (!this.#tokens.take('=')) return { kind: 'skip', module, at }
    return { kind: 'skip', module, value: parseExpression(this.#tokens), at }
  }

  #for({ at }: Token, indent: string): Statement {
    const name = this.#name('for NAME in 0:4')
    if (!this.#tokens.takeWord('in'))
      this.#tokens.fail(`expected in, but found ${this.#tokens.describe()}`, 'write for i in 0:4')
    const iterated = this.#iterated()
    this.#tokens.take(':')
    const { kind } = this.#tokens.next
    if (kind !== 'newline')
      this.#tokens.fail(
        `found ${this.#tokens.describe()}, but the line should end here`,
        'put the block on lines of its own, indented',
      )
    this.#skipLines()
    const inner = this.#indent ?? ''
    if (this.#tokens.next.kind === 'end' || inner.length <= indent.length || !inner.startsWith(indent))
      throw new TemplateSyntaxError('this for has no block', at, 'indent the lines below it that it repeats')
    const body = this.#tokens.nested(() => this.#block(indent))
    this.#afterBlock = true
    return { kind: 'for', name, iterated, body, at }
  }

  #iterated(): Iterated {
    const start = parseExpression(this.#tokens)
    // A colon at the end of the line opens the block, as in Python.
    if (this.#tokens.peek().kind === 'newline' || !this.#tokens.take(':')) return { kind: 'value', value: start }
    const stop = parseExpression(this.#tokens)
    const hasStep = this.#tokens.peek().kind !== 'newline' && this.#tokens.take(':')
    const step = hasStep ? parseExpression(this.#tokens) : undefined
    return { kind: 'range', start, stop, ...(step ? { step } : {}) }
  }

  #name(form: string): string {
    const { text, at } = this.#tokens.word('a name')
    if (keywords.has(text) || /^\d/.test(text)) this.#tokens.fail(`${text} can’t be a name`, `write ${form}`, at)
    return text
  }
}

/** Refuses an assignment to anything but names, places and slices of them. */
function checkTarget(target: Expression): void {
  if (target.kind === 'name' || target.kind === 'member') return
  if (target.kind === 'index') {
    const { object } = target
    const isFlat = object.kind === 'index' && object.entries.some(entry => entry.kind !== 'value')
    if (isFlat)
      throw new TemplateSyntaxError('a slice of a slice can’t be assigned', target.at, 'write one slice: h[0, 1:3]')
    return
  }
  const fix =
    target.kind === 'call'
      ? 'assign to its .output or .input, or to a slice: model.tensor("x")[...] = 0'
      : 'assign to a name, to a place like h[0].output, or to a slice of one'
  throw new TemplateSyntaxError('this can’t be assigned', target.at, fix)
}

function ending({ kind, text }: Token): string | undefined {
  if (text === '=') return 'write == to compare'
  return kind === 'word' || kind === 'number' || kind === 'hole'
    ? 'put an operator, a comma or a new line between'
    : undefined
}
