import { ArgumentError } from '../runtime/errors/tensor.ts'
import { Tensor } from '../runtime/index.ts'
import type { HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import { stateOf } from '../runtime/tensor/tensor.ts'
import { type Element, type Elements, elementsOf } from './elements.ts'

/** Elements as JSON has them, nested. */
export type SnapshotList = Element | SnapshotList[]

/** A tensor for a snapshot. Which of the fields below `dims` are there goes by its size and dtype. */
export interface TensorSnapshot {
  /** The element type. */
  readonly type: HeldType
  /** Outermost first. */
  readonly dims: readonly number[]
  /** All elements, nested: of a small tensor. */
  readonly values?: SnapshotList
  /** Of a large one. bool has `true` in their place, text has none. Elements that are NaN or infinite have no share in them. */
  readonly mean?: number
  /** Population standard deviation. */
  readonly std?: number
  /** Of finite elements. */
  readonly min?: number
  /** Of finite elements. */
  readonly max?: number
  /** How many elements of a large bool tensor are true. */
  readonly true?: number
  /** How many elements of a large tensor are NaN, if any. */
  readonly nan?: number
  /** How many are infinite, if any. */
  readonly infinite?: number
  /** Elements of a large tensor, evenly spaced from the first to the last in row-major order. */
  readonly sample?: readonly Element[]
}

/** Options of `snapshotOf()`. */
export interface SnapshotOptions {
  /** Decimal digits that are kept, counted from the first digit of the tensor's greatest magnitude. @default 4 */
  readonly digits?: number
  /** Tensors with more elements are summarised. @default 64 */
  readonly most?: number
  /** How many elements a summary has. @default 16 */
  readonly sample?: number
}

/**
 * A plain, rounded object that stays the same where results differ by rounding alone: for `t.snapshot` and `toMatchSnapshot`. Every
 * float of a tensor is rounded to the same place, so that an element near 0 does not show the noise of a sum of large ones. Integers,
 * booleans and text are kept as they are.
 * @throws NotComputedError, NotSavedError for a tensor without a value; ArgumentError
 */
export function snapshotOf(
  tensor: Tensor,
  { digits = 4, most = 64, sample = 16 }: SnapshotOptions = {},
): TensorSnapshot {
  if (!(tensor instanceof Tensor))
    throw new ArgumentError('snapshotOf: the first argument is no tensor.', undefined, 'await it, or pick it out first')
  for (const [name, value, from] of [
    ['digits', digits, 1],
    ['most', most, 0],
    ['sample', sample, 0],
  ] as const)
    if (!Number.isSafeInteger(value) || value < from)
      throw new ArgumentError(`snapshotOf: ${name} is ${value}.`, undefined, `give a whole number from ${from}`)
  const elements = elementsOf(stateOf(tensor).data())
  const { type, dims, length } = elements
  const head = { type, dims: [...dims] }
  if (type === 'bool' || type === 'string') {
    if (length <= most) return { ...head, values: nested(elements, element => element) }
    const chosen = sampleOf(elements, sample, element => element)
    return type === 'bool' ? { ...head, true: countOf(elements, Boolean), sample: chosen } : { ...head, sample: chosen }
  }
  const facts = factsOf(elements)
  const round = rounder(Math.max(Math.abs(facts.min), Math.abs(facts.max)), digits)
  const isInteger = !type.startsWith('float')
  const shown = (element: Element): Element => (isInteger ? element : round(element as number))
  if (length <= most) return { ...head, values: nested(elements, shown) }
  const { mean, std, min, max, nan, infinite } = facts
  return {
    ...head,
    ...(facts.count > 0 && { mean: round(mean), std: round(std), min: round(min), max: round(max) }),
    ...(nan > 0 && { nan }),
    ...(infinite > 0 && { infinite }),
    sample: sampleOf(elements, sample, shown),
  }
}

interface Facts {
  /** Of finite elements. */
  readonly count: number
  readonly mean: number
  readonly std: number
  readonly min: number
  readonly max: number
  readonly nan: number
  readonly infinite: number
}

/** Welford's way: a sum of squares would lose what a large mean covers. */
function factsOf(elements: Elements): Facts {
  let [count, mean, squares, nan, infinite] = [0, 0, 0, 0, 0]
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < elements.length; i++) {
    const value = Number(elements.at(i))
    if (Number.isNaN(value)) nan++
    else if (!Number.isFinite(value)) infinite++
    else {
      const before = value - mean
      mean += before / ++count
      squares += before * (value - mean)
      min = Math.min(min, value)
      max = Math.max(max, value)
    }
  }
  return { count, mean, std: Math.sqrt(squares / count), min, max, nan, infinite }
}

/** Rounds to a place that the greatest magnitude decides, for all elements alike. */
function rounder(greatest: number, digits: number): (value: number) => number {
  if (greatest === 0 || !Number.isFinite(greatest)) return value => value
  const decimals = digits - 1 - Math.floor(Math.log10(greatest))
  const round = (value: number): number => {
    if (decimals > 100) return Number(value.toPrecision(digits))
    if (decimals >= 0) return Number(value.toFixed(decimals))
    return Math.round(value / 10 ** -decimals) * 10 ** -decimals
  }
  // -0 and 0 are apart by rounding alone.
  return value => (Number.isFinite(value) ? round(value) || 0 : value)
}

function nested({ dims, at }: Elements, shown: (element: Element) => Element): SnapshotList {
  let next = 0
  const build = (axis: number): SnapshotList =>
    axis === dims.length ? shown(at(next++)) : Array.from({ length: dims[axis] }, () => build(axis + 1))
  return build(0)
}

function sampleOf({ length, at }: Elements, count: number, shown: (element: Element) => Element): Element[] {
  const chosen = Math.min(count, length)
  return Array.from({ length: chosen }, (_, i) =>
    shown(at(chosen === 1 ? 0 : Math.round((i * (length - 1)) / (chosen - 1)))),
  )
}

function countOf({ length, at }: Elements, holds: (element: Element) => boolean): number {
  let count = 0
  for (let i = 0; i < length; i++) if (holds(at(i))) count++
  return count
}
