import { GenerateError } from '../errors/generate.ts'
import { namedInputs } from '../language-inputs/named-inputs.ts'
import { padPrompts, type Rows } from '../language-inputs/prompts.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type TensorLike, toTensor } from '../tensor/values/convert.ts'
import type { Decoder } from './decoder.ts'

/** The prompts in the form that the first step takes. */
export interface Prompts {
  /** All inputs that the caller gave, by name. */
  readonly named: Readonly<Record<string, unknown>>
  /** The ids of each prompt, padded to one length. */
  readonly ids: Rows
  /** 0 for padding, else 1. Undefined if there is no padding, and the caller gave no mask. */
  readonly mask: Rows | undefined
  /** The prompts with the tokens that a cache stands for; undefined without a cache. */
  readonly whole?: {
    /** `shown` has padding, and `rows` has each row's tokens without it. */
    readonly shown: Rows
    readonly rows: Rows
    /** The tokens of the cache's columns. */
    readonly past: Rows
  }
}

/** The tokens of each row, without padding. */
export function realTokens({ ids, mask, whole }: Prompts): Rows {
  if (whole) return whole.rows
  return ids.map((row, i) => (mask ? row.filter((_, at) => mask[i][mask[i].length - row.length + at] !== 0) : row))
}

/**
 * Prompts of different lengths are padded on the left.
 * @param inputs the inputs of the first step: ids alone, or all inputs by name
 * @throws GenerateError
 */
export function promptRows(decoder: Decoder, inputs: unknown, padding: number): Prompts {
  const named = namedInputs(inputs) ?? { [decoder.ids]: inputs }
  return { named, ...paddedIds(decoder, named, padding) }
}

function paddedIds(
  decoder: Decoder,
  named: Readonly<Record<string, unknown>>,
  padding: number,
): Pick<Prompts, 'ids' | 'mask'> {
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

/** The ids of an invoke's prompts, one row each, of any lengths. @throws GenerateError if the invoke has other inputs beside them */
export function idsOfPrompt(decoder: Decoder, inputs: unknown): Rows {
  const named = namedInputs(inputs) ?? { [decoder.ids]: inputs }
  const other = Object.keys(named).find(name => name !== decoder.ids)
  if (other === undefined) return rowsOf(named[decoder.ids], decoder.ids)
  throw new GenerateError(
    `In generate(), an invoke has its prompts alone, and this one has ${other} too.`,
    'pass a text or token ids: invoke([[464, 3290]], () => …)',
  )
}

/** @throws GenerateError for anything but rows of integers */
export function rowsOf(value: unknown, name: string): number[][] {
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
