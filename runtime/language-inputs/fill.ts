import { type DeclaredInput, InputError } from '../errors/input.ts'
import { Tensor } from '../tensor/tensor.ts'
import { toTensor } from '../tensor/values/convert.ts'
import { emptyCache, growingAxis } from './empty-cache.ts'
import { namedInputs } from './named-inputs.ts'
import { padPrompts, positionsOf, type Rows } from './prompts.ts'
import { idsInput, PAST, type Role, roleOf } from './roles.ts'

/** The side on which prompts of unequal length are padded: left if the model takes its positions from a mask or from position ids. */
export type PaddingSide = 'left' | 'right'

/**
 * Adds the inputs of a language model that the user left out: a mask of ones, positions, empty caches, token types, the switch of a merged
 * decoder. The user's inputs are not changed, except that prompts of unequal length are padded, with `padding`, if the model has a mask.
 * @throws InputError for prompts of unequal length that can't be padded
 */
export function fillInputs(
  declared: readonly DeclaredInput[],
  inputs: unknown,
  side: PaddingSide,
  padding = 0,
): unknown {
  const name = idsInput(declared)
  if (name === undefined) return inputs
  const byName = namedInputs(inputs)
  const ids = byName ? byName[name] : inputs
  if (ids === undefined || ids === null) return inputs
  const named: Record<string, unknown> = byName ? { ...byName } : { [name]: inputs }
  padIds(named, name, declared, side, padding)
  const size = sizeOf(named[name])
  if (!size) return named
  const missing = declared.filter(input => named[input.name] === undefined)
  if (missing.length === 0) return named
  const filling = new Filling(declared, named, size)
  for (const input of missing) {
    const role = roleOf(input, declared)
    const value = role && filling.make(role, input)
    if (value !== undefined) named[input.name] = value
  }
  return named
}

/** Pads prompts of unequal length, and adds their mask. */
function padIds(
  named: Record<string, unknown>,
  name: string,
  declared: readonly DeclaredInput[],
  side: PaddingSide,
  padding: number,
): void {
  const rows = raggedRows(named[name])
  if (!rows) return
  const mask = declared.find(input => roleOf(input, declared) === 'mask')?.name
  if (mask === undefined)
    throw new InputError(
      `The rows of ${name} have different lengths, and the model has no attention_mask: padding would change what it computes.`,
      declared,
      'run prompts of one length together, or each in an invoke',
    )
  if (named[mask] !== undefined)
    throw new InputError(
      `The rows of ${name} have different lengths, and ${mask} was given too.`,
      declared,
      `leave out ${mask}: onnsight makes it when it pads prompts`,
    )
  const padded = padPrompts(rows, side, padding)
  named[name] = padded.ids
  named[mask] = padded.mask
}

/** Rows of token ids with unequal lengths; undefined for anything else. */
function raggedRows(ids: unknown): Rows | undefined {
  if (!Array.isArray(ids) || ids.length < 2) return undefined
  const rows = ids.map(row => (ArrayBuffer.isView(row) ? Array.from(row as unknown as Iterable<number>) : row))
  const isRow = (row: unknown): row is readonly (number | bigint)[] =>
    Array.isArray(row) && row.length > 0 && row.every(id => typeof id === 'bigint' || Number.isInteger(id))
  if (!rows.every(isRow) || rows.every(row => row.length === rows[0].length)) return undefined
  return rows.map(row => row.map(Number))
}

interface Size {
  readonly rows: number
  readonly tokens: number
}

function sizeOf(ids: unknown): Size | undefined {
  const dims = dimsOf(ids)
  return dims?.length === 2 ? { rows: dims[0], tokens: dims[1] } : undefined
}

/** The dims of a user's value for an input, without converting it. */
function dimsOf(value: unknown): readonly number[] | undefined {
  if (Array.isArray(value)) {
    const [first] = value
    const inner = Array.isArray(first) || ArrayBuffer.isView(first) ? dimsOf(first) : []
    return inner && [value.length, ...inner]
  }
  if (ArrayBuffer.isView(value)) return [(value as Uint8Array).length]
  const { dims } = (value ?? {}) as { readonly dims?: unknown }
  return Array.isArray(dims) ? (dims as number[]) : undefined
}

/** Makes the inputs that a call leaves out. */
class Filling {
  readonly #declared: readonly DeclaredInput[]
  readonly #named: Readonly<Record<string, unknown>>
  readonly #size: Size
  /** The number of tokens in the user's caches. */
  readonly #past: number

  constructor(declared: readonly DeclaredInput[], named: Readonly<Record<string, unknown>>, size: Size) {
    this.#declared = declared
    this.#named = named
    this.#size = size
    const caches = declared.filter(({ name }) => PAST.test(name) && !/encoder/.test(name) && named[name] !== undefined)
    this.#past = Math.max(0, ...caches.map(({ name, dims }) => dimsOf(named[name])?.[growingAxis(dims) ?? -1] ?? 0))
  }

  make(role: Role, input: DeclaredInput): unknown {
    const { rows, tokens } = this.#size
    switch (role) {
      case 'mask':
        return ones(rows, this.#past + tokens)
      case 'encoder-mask':
        return this.#encoderMask()
      case 'positions':
        return this.#maskRows().map(row => positionsOf(row).slice(-tokens))
      case 'cache-positions':
        return Array.from({ length: tokens }, (_, i) => this.#past + i)
      case 'token-types':
        return Array.from({ length: rows }, () => new Array<number>(tokens).fill(0))
      case 'past':
        return emptyCache(input, rows)
      case 'cache-switch':
        return [this.#past > 0]
      case 'logits-kept':
        // 0 means all: transformers' own default.
        return input.dims?.length === 0 ? 0 : [0]
    }
  }

  /** The user's mask, or one of ones. */
  #maskRows(): Rows {
    const { rows, tokens } = this.#size
    const mask = this.#declared.find(input => roleOf(input, this.#declared) === 'mask')
    const userMask = mask && this.#named[mask.name]
    if (userMask === undefined) return ones(rows, this.#past + tokens)
    const isTyped = userMask instanceof Tensor || ArrayBuffer.isView(userMask)
    const nested = isTyped || !Array.isArray(userMask) ? toTensor(userMask as Tensor).tolist() : userMask
    return (nested as readonly (readonly unknown[])[]).map(row => Array.from(row, Number))
  }

  /** A mask of ones for all states of the encoder, or all tokens of its prompt. */
  #encoderMask(): Rows | undefined {
    const name = ['encoder_hidden_states', 'encoder_outputs', 'input_ids'].find(name => this.#named[name] !== undefined)
    const dims = name === undefined ? undefined : dimsOf(this.#named[name])
    return dims && ones(dims[0], dims[1])
  }
}

const ones = (rows: number, columns: number): Rows =>
  Array.from({ length: rows }, () => new Array<number>(columns).fill(1))
