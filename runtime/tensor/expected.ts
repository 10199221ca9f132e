import { OnnsightError } from '../errors/error.ts'
import { ArgumentError } from '../errors/tensor.ts'
import { here } from './here.ts'
import { knownOptions } from './known-options.ts'
import { isPlain } from './plain.ts'
import { type Signature, signatureOf } from './signatures.ts'
import { Tensor } from './tensor.ts'

/* JavaScript drops arguments that a function does not have, and takes those of a wrong kind: neither may pass in silence. */

interface Kind {
  readonly what: string
  is(value: unknown): boolean
}

const isWhole = (value: unknown): boolean => Number.isInteger(value)
const whole: Kind = { what: 'a whole number', is: isWhole }
const several: Kind = {
  what: 'a whole number or a list of them',
  is: value => isWhole(value) || (Array.isArray(value) && value.every(isWhole)),
}
const number: Kind = { what: 'a number', is: value => typeof value === 'number' }

/** By the argument's name in the signatures. What is to be a tensor is checked where it becomes one. */
const kinds: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries('dim start end length k count offset diagonal a b'.split(' ').map(name => [name, whole])),
  ...Object.fromEntries('dims times shifts sizes from to shape which order'.split(' ').map(name => [name, several])),
  p: number,
}

/** What people write who mean an option: `sum(-1, true)`. */
const FLAGS: Readonly<Record<string, string>> = { keepdim: 'true', descending: 'true', approximate: "'tanh'" }

/** An operation that refuses arguments which it has not, and those of a wrong kind. */
export function expecting<This>(
  name: string,
  declared: string,
  method: (this: This, ...args: unknown[]) => unknown,
): (this: This, ...args: unknown[]) => unknown {
  const signature = signatureOf(declared)
  const { plain, options } = signature
  return function (...args) {
    checkCount(name, signature, args)
    for (const [i, value] of args.entries()) checkKind(name, signature, i, value)
    if (options.length > 0 && args.length > plain.length)
      args[plain.length] = knownOptions(name, args[plain.length] as object | undefined, options)
    try {
      return method.apply(this, args)
    } catch (error) {
      if (error instanceof OnnsightError || !(error instanceof TypeError || error instanceof RangeError)) throw error
      throw refused(name, signature, `can't use ${args.map(show).join(', ') || 'nothing'}: ${error.message}`)
    }
  }
}

/** @throws ArgumentError for arguments beyond those that a function has */
export function refuseSurplus(name: string, most: number, surplus: readonly unknown[], fix?: string): void {
  if (surplus.length === 0) return
  const takes = most === 0 ? 'no arguments' : most === 1 ? '1 argument' : `${most} arguments`
  throw new ArgumentError(
    `${name} takes ${takes}, and was given ${most + surplus.length}: the others would be dropped.`,
    here(),
    fix ?? 'leave them out, or put them into one value: a list, an object',
  )
}

function checkCount(name: string, { plain, rest, options }: Signature, args: readonly unknown[]): void {
  const most = plain.length + (options.length > 0 ? 1 : 0)
  if (!rest) refuseSurplus(name, most, args.slice(most), instead(name, plain, options, args))
}

/** What was meant by too many arguments. */
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

function checkKind(name: string, signature: Signature, i: number, value: unknown): void {
  const { plain, rest, options } = signature
  if (value === undefined) return
  if (i < plain.length || rest) {
    const kind = kinds[plain[i] ?? rest]
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
  const [first] = options
  throw refused(
    name,
    signature,
    `its options are an object, and not ${show(value)}`,
    `write { ${first}: ${typeof value === 'boolean' || typeof value === 'string' ? show(value) : (FLAGS[first] ?? '…')} }`,
  )
}

function refused(name: string, signature: Signature, problem: string, fix?: string): ArgumentError {
  return new ArgumentError(`${name}: ${problem}.`, here(), fix ?? usage(name, signature))
}

function usage(name: string, { plain, rest, options }: Signature): string {
  const parts = [
    ...plain,
    ...(rest ? [`...${rest}`] : []),
    ...(options.length > 0 ? [`{ ${options.join(', ')} }`] : []),
  ]
  return `write ${name}(${parts.join(', ')})`
}

/** An argument as it was written, roughly. */
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
