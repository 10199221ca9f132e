import { parseSlice, type SliceItem, type SliceNumber, SliceSyntaxError } from '../../../language/slice.ts'
import { ArgumentError } from '../../errors/tensor.ts'
import { isPlain } from '../arguments/plain-objects.ts'
import { currentPosition } from '../current-position.ts'
import { Tensor } from '../tensor.ts'
import { type NestedArray, type TensorLike, toTensor } from '../values/convert.ts'

/** The values that s`…` takes in a hole: an index, null for a new axis, or a list of indices or a mask of any rank. */
export type SliceValue = number | bigint | null | NestedArray | Exclude<TensorLike, boolean>

/** The range start:stop:step as an object, for code that has no template. */
export interface SliceRange {
  readonly start?: number | undefined
  readonly stop?: number | undefined
  readonly step?: number | undefined
}

/** What a slice takes of one axis, or of several. */
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
  /** A list of integers, of any rank. */
  | { readonly kind: 'list'; readonly values: Tensor }
  /** A mask of bools, which takes as many axes as it has. */
  | { readonly kind: 'mask'; readonly values: Tensor }

/** A slice with its values, as s`:, -1` returns it. */
export class Slice {
  /** One part for each axis that the slice names. */
  readonly parts: readonly SlicePart[]
  constructor(parts: readonly SlicePart[]) {
    this.parts = Object.freeze(parts)
    Object.freeze(this)
  }

  /** The slice as it is written: s`:, -1`. */
  toString(): string {
    return `s\`${this.parts.map(textOf).join(', ')}\``
  }
}

function textOf(part: SlicePart): string {
  switch (part.kind) {
    case 'index':
      return String(part.value)
    case 'range':
      return `${part.start ?? ''}:${part.stop ?? ''}${part.step === 1 ? '' : `:${part.step}`}`
    case 'ellipsis':
      return '...'
    case 'newaxis':
      return 'None'
    default:
      return part.values.computed && part.values.size <= 8 ? JSON.stringify(part.values) : '[…]'
  }
}

/**
 * A slice as operations take it: s`…`, the same as text, or one value. An array has one entry for each axis, so a list of indices stands
 * inside it: [[0, 2]] is s`[0, 2]`, and [0, 2] is s`0, 2`.
 */
export type SliceSpec = Slice | string | number | bigint | null | Tensor | readonly (string | SliceValue | SliceRange)[]

const parsed = new WeakMap<TemplateStringsArray, readonly SliceItem[]>()

/** Makes a slice in NumPy's syntax: s`:, ${i}:, [0, 2], ..., None`. @throws ArgumentError for text that is no slice */
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
  return new Slice(Array.isArray(spec) ? spec.flatMap(entry) : entry(spec as SliceValue))
}

function entry(value: string | SliceValue | SliceRange): SlicePart[] {
  if (typeof value === 'string') return parse([value]).map(item => fill(item, []))
  return [isRange(value) ? range(value.start, value.stop, value.step) : fromValue(value)]
}

const isRange = (value: unknown): value is SliceRange =>
  typeof value === 'object' &&
  value !== null &&
  isPlain(value) &&
  Object.keys(value).every(key => /^(start|stop|step)$/.test(key))

function parse(pieces: readonly string[]): readonly SliceItem[] {
  try {
    return parseSlice(pieces)
  } catch (error) {
    if (!(error instanceof SliceSyntaxError)) throw error
    throw new ArgumentError(
      `The slice ${pieces.join('${…}')} can't be read: ${error.message}.`,
      currentPosition(),
      'write it as in NumPy: s`:, -1`, s`..., 0:64`',
    )
  }
}

function fill(item: SliceItem, values: readonly SliceValue[]): SlicePart {
  const number = (value: SliceNumber): number => (typeof value === 'number' ? value : integer(values[value.hole]))
  const bound = (value: SliceNumber | undefined): number | undefined =>
    value === undefined ? undefined : number(value)
  switch (item.kind) {
    case 'range':
      return range(bound(item.start), bound(item.stop), bound(item.step))
    case 'list':
      return { kind: 'list', values: toTensor(item.values.map(number), { type: 'int64' }) }
    case 'mask':
      return { kind: 'mask', values: toTensor(item.values, { type: 'bool' }) }
    case 'value':
      return fromValue(values[item.hole])
    default:
      return item
  }
}

function range(start?: number, stop?: number, step = 1): SlicePart {
  if (step === 0) throw new ArgumentError('A step of a slice is 0.', currentPosition())
  const bound = (value: number | undefined) => (value === undefined ? undefined : integer(value))
  return { kind: 'range', start: bound(start), stop: bound(stop), step: integer(step) }
}

function fromValue(value: SliceValue): SlicePart {
  if (value === null) return { kind: 'newaxis' }
  if (value instanceof Tensor || ArrayBuffer.isView(value)) return fromTensor(toTensor(value))
  if (!Array.isArray(value)) return { kind: 'index', value: integer(value) }
  const first = value.flat(Number.POSITIVE_INFINITY)[0] as unknown
  return fromTensor(toTensor(value, { type: typeof first === 'boolean' ? 'bool' : 'int64' }))
}

/** Makes a part of a tensor: a single integer is an index, other integers are a list, and bools are a mask. */
function fromTensor(values: Tensor): SlicePart {
  if (values.type === 'bool') {
    if (values.rank > 0) return { kind: 'mask', values }
    throw new ArgumentError('A mask needs an axis: one bool can’t choose.', currentPosition())
  }
  if (/^u?int\d/.test(values.type)) return { kind: 'list', values }
  throw new ArgumentError(
    `A ${values.type} tensor can't be an index.`,
    currentPosition(),
    'use integers, or a bool mask',
  )
}

function integer(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw new ArgumentError(`A slice contains ${String(value)}, which is not an integer.`, currentPosition())
}
