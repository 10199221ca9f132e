import { OnnsightError } from '../../errors/error.ts'
import { ArgumentError } from '../../errors/tensor.ts'
import { currentPosition } from '../current-position.ts'
import { type DataType, dataTypes } from '../dtypes/dtype.ts'
import { Tensor } from '../tensor.ts'
import { knownOptions } from './known-options.ts'
import { isPlain } from './plain-objects.ts'
import { functionArguments, type Signature, signatureOf } from './signatures.ts'

/* JavaScript drops surplus arguments and accepts arguments of a wrong kind. Every operation of onnsight refuses both with an error. */

/** The kind of value that an argument must be. */
interface Kind {
  readonly what: string
  is(value: unknown): boolean
  /** Whether the argument is required. */
  readonly isNeeded?: boolean
}

const isWhole = (value: unknown): boolean => Number.isInteger(value)
const whole: Kind = { what: 'a whole number', is: isWhole }
const several: Kind = {
  what: 'a whole number or a list of them',
  is: value => isWhole(value) || (Array.isArray(value) && value.every(isWhole)),
}
const number: Kind = { what: 'a number', is: value => typeof value === 'number' }
const truth: Kind = { what: 'true or false', is: value => typeof value === 'boolean' }
const text: Kind = { what: 'text', is: value => typeof value === 'string' }
const list: Kind = { what: 'a list of tensors', is: Array.isArray, isNeeded: true }
const tensor: Kind = { what: 'a tensor', is: value => value instanceof Tensor, isNeeded: true }
const single: Kind = { what: 'a number', is: value => /^(number|bigint|boolean)$/.test(typeof value), isNeeded: true }
const place: Kind = {
  what: 'a whole number or a tensor of one',
  is: value => isWhole(value) || typeof value === 'bigint' || value instanceof Tensor,
}
const dtype: Kind = { what: `one of ${dataTypes.join(', ')}`, is: value => dataTypes.includes(value as DataType) }
const oneOf = (...words: string[]): Kind => ({
  what: `one of ${words.map(word => `'${word}'`).join(', ')}`,
  is: value => words.includes(value as string),
})

const kindsOf = (kinds: Readonly<Record<string, Kind>>): Readonly<Record<string, Kind>> =>
  Object.fromEntries(Object.entries(kinds).flatMap(([names, kind]) => names.split(' ').map(name => [name, kind])))

/**
 * The kinds of the methods' arguments, by their names in the signatures. Arguments that become tensors are checked where they are
 * converted.
 */
const ofMethods = kindsOf({
  'dim start end length k count offset diagonal a b': whole,
  'dims times shifts sizes from to shape which order': several,
  'p alpha negativeSlope': number,
  index: place,
  type: dtype,
})

const ofFunctions = kindsOf({
  'dim steps rows columns classes low high count': whole,
  'start end step': number,
  equation: text,
  tensors: list,
  'other ids loss tensor': tensor,
  value: single,
})

/** The kinds of options. The operation itself checks options that are not listed here. */
const ofOptions = kindsOf({
  'keepdim largest sorted descending logTarget': truth,
  'correction eps': number,
  ignoreIndex: whole,
  approximate: oneOf('none', 'tanh'),
  reduction: oneOf('mean', 'sum', 'none'),
  type: dtype,
})

/** For each option, a value that a person may have passed without its name: `sum(-1, true)`. */
const FLAGS: Readonly<Record<string, string>> = { keepdim: 'true', descending: 'true', approximate: "'tanh'" }

/** Wraps an operation so that it refuses surplus arguments and arguments of a wrong kind. */
export function expecting<This>(
  name: string,
  declared: string,
  method: (this: This, ...args: unknown[]) => unknown,
): (this: This, ...args: unknown[]) => unknown {
  const signature = signatureOf(declared)
  const { plain, options } = signature
  return function (...args) {
    check(name, signature, args, ofMethods)
    if (options.length > 0 && args.length > plain.length) {
      const known = knownOptions(name, args[plain.length] as object | undefined, options)
      checkOptions(name, known)
      args[plain.length] = known
    }
    try {
      return method.apply(this, args)
    } catch (error) {
      if (error instanceof OnnsightError || !(error instanceof TypeError || error instanceof RangeError)) throw error
      throw refused(name, signature, `can't use ${args.map(show).join(', ') || 'nothing'}: ${error.message}`)
    }
  }
}

const signatures: Readonly<Record<string, Signature>> = Object.fromEntries(
  Object.entries(functionArguments).map(([name, declared]) => [name, signatureOf(declared)]),
)

/**
 * Checks the arguments of a function; `args` are its declared arguments in order, and then all surplus ones. Returns its options, under
 * onnsight's names.
 * @throws ArgumentError, UnknownOptionError
 */
export function expect<O extends object>(name: string, ...args: readonly unknown[]): O {
  const signature = signatures[name]
  check(name, signature, args, ofFunctions)
  const lastArgument = args[signature.plain.length]
  if (signature.options.length === 0 || lastArgument === undefined) return {} as O
  const options = Array.isArray(lastArgument) ? { dims: lastArgument } : (lastArgument as object)
  const known = knownOptions(name, options, signature.options) as O
  checkOptions(name, known)
  return known
}

function check(
  name: string,
  signature: Signature,
  args: readonly unknown[],
  kinds: Readonly<Record<string, Kind>>,
): void {
  checkCount(name, signature, args)
  for (const [i, value] of args.entries()) checkKind(name, signature, i, value, kinds)
}

function checkOptions(name: string, options: object): void {
  for (const [key, value] of Object.entries(options)) {
    const kind = name === 'klDiv' && key === 'reduction' ? oneOf('mean', 'sum', 'none', 'batchmean') : ofOptions[key]
    if (value === undefined || !kind || kind.is(value)) continue
    throw new ArgumentError(
      `${name}: ${key} is ${show(value)}, and must be ${kind.what}.`,
      currentPosition(),
      `write { ${key}: ${kind === truth ? 'true' : '…'} }, or leave it out`,
    )
  }
}

/** Refuses arguments that a function does not have. @throws ArgumentError */
export function refuseSurplus(name: string, most: number, surplus: readonly unknown[], fix?: string): void {
  if (surplus.length === 0) return
  const takes = most === 0 ? 'no arguments' : most === 1 ? '1 argument' : `${most} arguments`
  throw new ArgumentError(
    `${name} takes ${takes}, and was given ${most + surplus.length}: the others would be dropped.`,
    currentPosition(),
    fix ?? 'leave them out, or put them into one value: a list, an object',
  )
}

function checkCount(name: string, { plain, rest, options }: Signature, args: readonly unknown[]): void {
  const most = plain.length + (options.length > 0 ? 1 : 0)
  // Every operation runs this, so the fix for surplus arguments is only worked out when there are any.
  if (!rest && args.length > most) refuseSurplus(name, most, args.slice(most), instead(name, plain, options, args))
}

/** Says how to write what surplus arguments were meant to say. */
function instead(
  name: string,
  plain: readonly string[],
  options: readonly string[],
  args: readonly unknown[],
): string | undefined {
  const text = args.map(show)
  if (name === 'slice' && args.length === 2)
    return `write slice(s\`${text.join(', ')}\`) for an index on each of two axes, or slice(s\`${text.join(':')}\`) for a part of the first axis`
  if (name === 'slice') return `write slice(s\`${text.join(', ')}\`)`
  if (plain[0] === 'dims' && args.every(isWhole)) return `write ${name}([${text.join(', ')}])`
  return usage(name, { plain, rest: undefined, options })
}

function checkKind(
  name: string,
  signature: Signature,
  i: number,
  value: unknown,
  kinds: Readonly<Record<string, Kind>>,
): void {
  const { plain, rest, options } = signature
  const kind = i < plain.length || rest ? kinds[plain[i] ?? rest] : undefined
  if (value === undefined && !kind?.isNeeded) return
  if (i < plain.length || rest) {
    if (!kind || kind.is(value)) return
    const isOptions = options.length > 0 && typeof value === 'object' && value !== null && isPlain(value)
    throw refused(
      name,
      signature,
      `${plain[i] ?? rest} is ${show(value)}, and must be ${kind.what}`,
      isOptions ? `options come last: ${name}(${'undefined, '.repeat(plain.length - i)}${show(value)})` : undefined,
    )
  }
  if (typeof value === 'object' && value !== null && isPlain(value)) return
  // tensor() takes a list of dims in place of its options.
  if (name === 'tensor' && Array.isArray(value)) return
  const [first] = options
  throw refused(
    name,
    signature,
    `its options are an object, and not ${show(value)}`,
    `write { ${first}: ${typeof value === 'boolean' || typeof value === 'string' ? show(value) : (FLAGS[first] ?? '…')} }`,
  )
}

function refused(name: string, signature: Signature, problem: string, fix?: string): ArgumentError {
  return new ArgumentError(`${name}: ${problem}.`, currentPosition(), fix ?? usage(name, signature))
}

function usage(name: string, { plain, rest, options }: Signature): string {
  const parts = [
    ...plain,
    ...(rest ? [`...${rest}`] : []),
    ...(options.length > 0 ? [`{ ${options.join(', ')} }`] : []),
  ]
  return `write ${name}(${parts.join(', ')})`
}

/** Returns an argument as text for a message, shortened. */
function show(value: unknown): string {
  if (value instanceof Tensor) return 'a tensor'
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.slice(0, 4).map(show).join(', ')}${value.length > 4 ? ', …' : ''}]`
  if (!isPlain(value)) return `a ${value.constructor?.name ?? 'object'}`
  return `{ ${Object.entries(value)
    .slice(0, 4)
    .map(([key, inner]) => `${key}: ${show(inner)}`)
    .join(', ')} }`
}
