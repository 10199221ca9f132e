import { ArgumentError } from '../runtime/errors/tensor.ts'
import { Tensor } from '../runtime/index.ts'
import type { HeldType } from '../runtime/tensor/dtypes/dtype.ts'
import { stateOf } from '../runtime/tensor/tensor.ts'
import { type Element, type Elements, elementsOf } from './elements.ts'

/** An element, or nested arrays of elements. */
export type SnapshotList = Element | SnapshotList[]

/** A tensor in a snapshot. A small one has `values`, a large one has a summary in the fields after it, depending on its dtype. */
export interface TensorSnapshot {
  /** The dtype. */
  readonly type: HeldType
  /** The size of each axis, the outermost first. */
  readonly dims: readonly number[]
  /** All elements of a small tensor, nested. */
  readonly values?: SnapshotList
  /** The mean of the finite elements of a large tensor of numbers. */
  readonly mean?: number
  /** The standard deviation of the finite elements: the sum of squares is divided by their count. */
  readonly std?: number
  /** The smallest finite element of a large tensor. */
  readonly min?: number
  /** The largest finite element of a large tensor. */
  readonly max?: number
  /** How many elements of a large bool tensor are true. */
  readonly true?: number
  /** How many elements of a large tensor are NaN; missing if none are. */
  readonly nan?: number
  /** How many elements of a large tensor are infinite; missing if none are. */
  readonly infinite?: number
  /** Elements of a large tensor, evenly spaced from the first to the last in row-major order. */
  readonly sample?: readonly Element[]
}

/** Options of `snapshotOf()`. */
export interface SnapshotOptions {
  /** How many decimal digits are kept, counted from the first digit of the element with the greatest magnitude; from 1. @default 4 */
  readonly digits?: number
  /** Tensors with more elements than this are summarised; from 0. @default 64 */
  readonly most?: number
  /** How many elements the `sample` of a summary has; from 0. @default 16 */
  readonly sample?: number
}

/**
 * Converts a tensor to a plain object for `t.snapshot` and `toMatchSnapshot`, rounded so that it stays the same if results differ only by
 * rounding. All floats of a tensor are rounded to the same decimal place, so that an element near 0 does not show the noise of a sum of large
 * ones. Integers, booleans and text are kept as they are.
 * @param tensor a tensor of any dims and dtype, with a value
 * @throws NotComputedError or NotSavedError for a tensor without a value; ArgumentError for wrong arguments
 */
export function snapshotOf(
  tensor: Tensor,
  { digits = 4, most = 64, sample = 16 }: SnapshotOptions = {},
): TensorSnapshot {
  if (!(tensor instanceof Tensor))
    throw new ArgumentError(
      'snapshotOf: the first argument is not a tensor.',
      undefined,
      'await it first if it is a promise, or pass one tensor of it',
    )
  for (const [name, value, from] of [
    ['digits', digits, 1],
    ['most', most, 0],
    ['sample', sample, 0],
  ] as const)
    if (!Number.isSafeInteger(value) || value < from)
      throw new ArgumentError(`snapshotOf: ${name} is ${value}.`, undefined, `pass a whole number from ${from}`)
  const elements = elementsOf(stateOf(tensor).data())
  const { type, dims, length } = elements
  const head = { type, dims: [...dims] }
  if (type === 'bool' || type === 'string') {
    if (length <= most) return { ...head, values: nested(elements, element => element) }
    const chosen = sampleOf(elements, sample, element => element)
    return type === 'bool' ? { ...head, true: countOf(elements, Boolean), sample: chosen } : { ...head, sample: chosen }
  }
  const statistics = statisticsOf(elements)
  const round = rounder(Math.max(Math.abs(statistics.min), Math.abs(statistics.max)), digits)
  const isInteger = !type.startsWith('float')
  const rounded = (element: Element): Element => (isInteger ? element : round(element as number))
  if (length <= most) return { ...head, values: nested(elements, rounded) }
  const { mean, std, min, max, nan, infinite } = statistics
  return {
    ...head,
    ...(statistics.count > 0 && { mean: round(mean), std: round(std), min: round(min), max: round(max) }),
    ...(nan > 0 && { nan }),
    ...(infinite > 0 && { infinite }),
    sample: sampleOf(elements, sample, rounded),
  }
}

/** The statistics of the finite elements, and how many others there are. */
interface Statistics {
  /** How many elements are finite. */
  readonly count: number
  readonly mean: number
  readonly std: number
  readonly min: number
  readonly max: number
  readonly nan: number
  readonly infinite: number
}

/** Computes the statistics with Welford's algorithm, because a plain sum of squares loses digits if the mean is large. */
function statisticsOf(elements: Elements): Statistics {
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

/** Returns a function that rounds all elements to the same decimal place, which the greatest magnitude decides. */
function rounder(greatest: number, digits: number): (value: number) => number {
  if (greatest === 0 || !Number.isFinite(greatest)) return value => value
  const decimals = digits - 1 - Math.floor(Math.log10(greatest))
  const round = (value: number): number => {
    if (decimals > 100) return Number(value.toPrecision(digits))
    if (decimals >= 0) return Number(value.toFixed(decimals))
    return Math.round(value / 10 ** -decimals) * 10 ** -decimals
  }
  // -0 and 0 differ only by rounding.
  return value => (Number.isFinite(value) ? round(value) || 0 : value)
}

function nested({ dims, at }: Elements, convert: (element: Element) => Element): SnapshotList {
  let next = 0
  const build = (axis: number): SnapshotList =>
    axis === dims.length ? convert(at(next++)) : Array.from({ length: dims[axis] }, () => build(axis + 1))
  return build(0)
}

function sampleOf({ length, at }: Elements, count: number, convert: (element: Element) => Element): Element[] {
  const chosen = Math.min(count, length)
  return Array.from({ length: chosen }, (_, i) =>
    convert(at(chosen === 1 ? 0 : Math.round((i * (length - 1)) / (chosen - 1)))),
  )
}

function countOf({ length, at }: Elements, holds: (element: Element) => boolean): number {
  let count = 0
  for (let i = 0; i < length; i++) if (holds(at(i))) count++
  return count
}
