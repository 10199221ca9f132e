import { parseSlice, type SliceItem, type SliceNumber, SliceSyntaxError } from '../../language/slice.ts'
import { ArgumentError } from '../errors/tensor.ts'
import { here } from './here.ts'
import { Tensor } from './tensor.ts'

/** A value that can stand in a slice: an index, a list of indices, a mask. */
export type SliceValue = number | bigint | readonly number[] | readonly boolean[] | Tensor

export type SlicePart =
  | { readonly kind: 'index'; readonly value: number }
  | {
      readonly kind: 'range'
      readonly start: number | undefined
      readonly stop: number | undefined
      readonly step: number
    }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'newaxis' }
  | { readonly kind: 'list'; readonly values: Tensor | readonly number[] }
  | { readonly kind: 'mask'; readonly values: Tensor | readonly boolean[] }

/** A slice with its values: what s`:, -1` gives. */
export class Slice {
  readonly parts: readonly SlicePart[]
  constructor(parts: readonly SlicePart[]) {
    this.parts = Object.freeze(parts)
  }
}

/** Where a slice is wanted: s`…`, the same as text, or one index. */
export type SliceSpec = Slice | string | number

const parsed = new WeakMap<TemplateStringsArray, readonly SliceItem[]>()

/** A slice in NumPy's syntax: s`:, ${i}:, [0, 2], ..., None`. @throws ArgumentError for what is no slice */
export function s(strings: TemplateStringsArray, ...values: SliceValue[]): Slice {
  let items = parsed.get(strings)
  if (!items) {
    items = parse(strings)
    parsed.set(strings, items)
  }
  return new Slice(items.map(item => fill(item, values)))
}

export function toSlice(spec: SliceSpec): Slice {
  if (spec instanceof Slice) return spec
  if (typeof spec === 'number') return new Slice([{ kind: 'index', value: integer(spec) }])
  if (typeof spec === 'string') return new Slice(parse([spec]).map(item => fill(item, [])))
  throw new ArgumentError(`A slice can't be a ${typeof spec}.`, here(), 'write s`:, -1`')
}

function parse(pieces: readonly string[]): readonly SliceItem[] {
  try {
    return parseSlice(pieces)
  } catch (error) {
    if (!(error instanceof SliceSyntaxError)) throw error
    throw new ArgumentError(
      `The slice ${pieces.join('${…}')} can't be read: ${error.message}.`,
      here(),
      'write it as in NumPy: s`:, -1`, s`..., 0:64`',
    )
  }
}

function fill(item: SliceItem, values: readonly SliceValue[]): SlicePart {
  const number = (value: SliceNumber): number => (typeof value === 'number' ? value : integer(values[value.hole]))
  switch (item.kind) {
    case 'range': {
      const step = item.step === undefined ? 1 : number(item.step)
      if (step === 0) throw new ArgumentError('A step of a slice is 0.', here())
      return {
        kind: 'range',
        start: item.start === undefined ? undefined : number(item.start),
        stop: item.stop === undefined ? undefined : number(item.stop),
        step,
      }
    }
    case 'list':
      return { kind: 'list', values: item.values.map(number) }
    case 'value':
      return fromValue(values[item.hole])
    default:
      return item
  }
}

function fromValue(value: SliceValue): SlicePart {
  if (value instanceof Tensor)
    return value.type === 'bool' ? { kind: 'mask', values: value } : { kind: 'list', values: value }
  if (!Array.isArray(value)) return { kind: 'index', value: integer(value as number) }
  if (value.length > 0 && value.every(item => typeof item === 'boolean'))
    return { kind: 'mask', values: value as boolean[] }
  return { kind: 'list', values: value.map(integer) }
}

function integer(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number)) return number
  throw new ArgumentError(`A slice holds ${String(value)}, where an integer is due.`, here())
}
