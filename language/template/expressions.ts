import type { BinaryOperator, Expression, NamedArgument, SliceEntry, UnaryOperator } from './ast.ts'
import type { Tokens } from './tokens.ts'

/** The precedence of each operator, as in Python. */
const binding: Readonly<Record<BinaryOperator, number>> = {
  '<': 10,
  '<=': 10,
  '>': 10,
  '>=': 10,
  '==': 10,
  '!=': 10,
  '|': 20,
  '^': 30,
  '&': 40,
  '+': 50,
  '-': 50,
  '*': 60,
  '/': 60,
  '//': 60,
  '%': 60,
  '@': 60,
  '**': 80,
}
const COMPARISON = 10
const UNARY = 70

const literals: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['True', true],
  ['true', true],
  ['False', false],
  ['false', false],
  ['None', null],
  ['null', null],
])

/** Words of Python and JavaScript that people may try, with what to write instead. */
const foreign: ReadonlyMap<string, string> = new Map([
  ['and', 'write (a > 0) & (b > 0)'],
  ['or', 'write (a > 0) | (b > 0)'],
  ['not', 'write ~a'],
  ['if', 'write where(condition, a, b), or use an arrow function instead of a template'],
  ['else', 'write where(condition, a, b)'],
  ['lambda', 'use an arrow function instead of a template'],
  ['await', 'leave it out: print(h) shows a value, save h = … keeps it'],
  ['let', 'leave it out: h = …'],
  ['const', 'leave it out: h = …'],
  ['var', 'leave it out: h = …'],
  ['return', 'write save NAME = …: saved names are the result'],
  ['undefined', 'write None'],
])

/** Words that begin statements and can't be names. */
export const keywords: ReadonlySet<string> = new Set([
  'save',
  'skip',
  'stop',
  'for',
  'in',
  ...literals.keys(),
  ...foreign.keys(),
])

/** Parses an expression whose operators all have a higher precedence than `least`, as a Pratt parser. */
export function parseExpression(tokens: Tokens, least = 0): Expression {
  return tokens.nested(() => parseBinary(tokens, least))
}

function parseBinary(tokens: Tokens, least: number): Expression {
  let left = prefix(tokens)
  for (;;) {
    const { kind, text, at } = tokens.next
    if (kind === 'word' && foreign.has(text)) tokens.fail(`${text} is not in the template language`, foreign.get(text))
    const strength = kind === 'symbol' ? binding[text as BinaryOperator] : undefined
    if (strength === undefined || strength <= least) return left
    tokens.advance()
    const operator = text as BinaryOperator
    // `**` is right-associative, and a sign may follow it: 2 ** -1.
    const right = parseExpression(tokens, operator === '**' ? strength - 1 : strength)
    left = { kind: 'binary', operator, left, right, at }
    if (
      strength === COMPARISON &&
      binding[tokens.next.text as BinaryOperator] === COMPARISON &&
      tokens.next.kind === 'symbol'
    )
      tokens.fail('comparisons can’t be chained', 'write (a < b) & (b < c)')
  }
}

function prefix(tokens: Tokens): Expression {
  const { kind, text, at } = tokens.next
  if (kind === 'symbol' && (text === '-' || text === '+' || text === '~')) {
    tokens.advance()
    const operand = parseExpression(tokens, UNARY)
    if (text === '-' && operand.kind === 'literal' && typeof operand.value === 'number')
      return { kind: 'literal', value: -operand.value, at }
    return { kind: 'unary', operator: text as UnaryOperator, operand, at }
  }
  return postfix(tokens, primary(tokens))
}

function primary(tokens: Tokens): Expression {
  const { kind, text, value, at } = tokens.next
  if (kind === 'word') {
    const literal = literals.get(text)
    if (literal === undefined && keywords.has(text))
      tokens.fail(`${text} can't be used as a value`, foreign.get(text) ?? 'choose another name')
    tokens.advance()
    return literal === undefined ? { kind: 'name', name: text, at } : { kind: 'literal', value: literal, at }
  }
  if (kind === 'number' || kind === 'string') {
    tokens.advance()
    return { kind: 'literal', value: kind === 'number' ? value : text, at }
  }
  if (kind === 'hole') {
    tokens.advance()
    return { kind: 'hole', hole: value, at }
  }
  if (tokens.take('(')) {
    const inner = parseExpression(tokens)
    if (tokens.next.text === ',') tokens.fail('there are no tuples', 'write a list: [2, 3]')
    tokens.expect(')', 'to close the parenthesis')
    return inner
  }
  if (tokens.take('[')) return { kind: 'list', items: sequence(tokens, ']', () => parseExpression(tokens)), at }
  if (kind === 'newline')
    tokens.fail('the line ends, but a value is expected', 'put a long expression into parentheses')
  return tokens.fail(`expected a value, but found ${text}`)
}

function postfix(tokens: Tokens, start: Expression): Expression {
  let object = start
  for (;;) {
    const { at } = tokens.next
    if (tokens.take('.')) object = { kind: 'member', object, name: tokens.word('a name after the dot').text, at }
    else if (tokens.take('[')) object = { kind: 'index', object, entries: slice(tokens), at }
    else if (tokens.take('(')) object = { kind: 'call', callee: object, ...callArguments(tokens), at }
    else return object
  }
}

function callArguments(tokens: Tokens): { positional: Expression[]; named: NamedArgument[] } {
  const positional: Expression[] = []
  const named: NamedArgument[] = []
  sequence(tokens, ')', () => {
    const { next } = tokens
    if (next.kind === 'word' && tokens.peek().kind === 'symbol' && tokens.peek().text === '=') {
      tokens.advance()
      tokens.advance()
      if (named.some(({ name }) => name === next.text)) tokens.fail(`${next.text} is passed twice`, undefined, next.at)
      named.push({ name: next.text, value: parseExpression(tokens), at: next.at })
      return
    }
    if (named.length > 0)
      tokens.fail('an argument without a name comes after a named one', 'put arguments without names first')
    positional.push(parseExpression(tokens))
  })
  return { positional, named }
}

function slice(tokens: Tokens): SliceEntry[] {
  if (tokens.next.text === ']' && tokens.next.kind === 'symbol')
    tokens.fail('a slice is empty', 'write : for a whole axis, ... for all')
  let ellipses = 0
  return sequence(tokens, ']', () => {
    const { at } = tokens.next
    const entry = sliceEntry(tokens)
    if (entry.kind === 'ellipsis' && ++ellipses > 1) tokens.fail('a slice has at most one ...', undefined, at)
    return entry
  })
}

function sliceEntry(tokens: Tokens): SliceEntry {
  if (tokens.take('...')) return { kind: 'ellipsis' }
  const isEdge = (): boolean => tokens.next.kind === 'symbol' && /^[:,\]]$/.test(tokens.next.text)
  const start = isEdge() ? undefined : parseExpression(tokens)
  if (!tokens.take(':')) {
    if (!start) return tokens.fail(`expected an index or a range, but found ${tokens.next.text}`)
    if (start.kind === 'literal' && start.value === null) return { kind: 'newaxis' }
    if (start.kind === 'name' && start.name === 'newaxis') return { kind: 'newaxis' }
    return { kind: 'value', value: start }
  }
  const stop = isEdge() ? undefined : parseExpression(tokens)
  const { at } = tokens.peek()
  const step = tokens.take(':') && !isEdge() ? parseExpression(tokens) : undefined
  if (step?.kind === 'literal' && step.value === 0)
    tokens.fail('a step can’t be 0', 'write a number other than 0, like 2 or -1', at)
  return { kind: 'range', ...(start ? { start } : {}), ...(stop ? { stop } : {}), ...(step ? { step } : {}) }
}

/** Parses items separated by commas, with an optional last comma, up to the closing symbol. */
function sequence<T>(tokens: Tokens, close: string, item: () => T): T[] {
  const items: T[] = []
  while (!tokens.take(close)) {
    items.push(item())
    if (!tokens.take(',') && !(tokens.next.kind === 'symbol' && tokens.next.text === close))
      tokens.fail(`expected , or ${close}, but found ${tokens.describe()}`)
  }
  return items
}
