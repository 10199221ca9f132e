import type { Element, Elements } from './elements.ts'
import type { Tolerance } from './tolerance.ts'

/** An element that differs from the expected one. */
export interface Difference {
  /** The element's index in row-major order. */
  readonly index: number
  readonly actual: Element
  readonly expected: Element
  /** |actual - expected|; undefined if it is not a number: for text, booleans, and NaN or infinity on one side. */
  readonly absolute: number | bigint | undefined
  /** The absolute difference divided by |expected|; undefined if that is 0. */
  readonly relative: number | undefined
}

/** The result of a comparison. */
export interface Comparison {
  /** How many elements each side has. */
  readonly size: number
  /** How many elements differ. */
  readonly count: number
  /** The first elements that differ. */
  readonly first: readonly Difference[]
  readonly greatestAbsolute: Difference | undefined
  readonly greatestRelative: Difference | undefined
  /** How many numbers differ because one side is NaN, or because the sides are not the same infinity. */
  readonly nonFinite: number
  /** The first of them. */
  readonly firstNonFinite: Difference | undefined
}

/** Compares two sides that have the same dims. `most` is how many differences are kept for the list. */
export function compare(
  actual: Elements,
  expected: Elements,
  { tolerance, equalNaN, most }: { tolerance: Tolerance; equalNaN: boolean; most: number },
): Comparison {
  const first: Difference[] = []
  let count = 0
  let nonFinite = 0
  let greatestAbsolute: Difference | undefined
  let greatestRelative: Difference | undefined
  let firstNonFinite: Difference | undefined
  for (let index = 0; index < actual.length; index++) {
    const [a, e] = [actual.at(index), expected.at(index)]
    if (a === e || (equalNaN && isNaNumber(a) && isNaNumber(e))) continue
    const absolute = distance(a, e)
    if (absolute !== undefined && absolute <= tolerance.atol + tolerance.rtol * Math.abs(Number(e))) continue
    count++
    const relative = absolute === undefined || Number(e) === 0 ? undefined : Number(absolute) / Math.abs(Number(e))
    const difference = { index, actual: a, expected: e, absolute, relative }
    if (first.length < most) first.push(difference)
    if (absolute === undefined) {
      if (typeof a === 'boolean' || typeof a === 'string') continue
      nonFinite++
      firstNonFinite ??= difference
      continue
    }
    if (absolute > (greatestAbsolute?.absolute ?? -1)) greatestAbsolute = difference
    if (relative !== undefined && relative > (greatestRelative?.relative ?? -1)) greatestRelative = difference
  }
  return { size: actual.length, count, first, greatestAbsolute, greatestRelative, nonFinite, firstNonFinite }
}

/** |a - e|; undefined if it is not a finite number. An infinity is close only to itself, because its tolerance would be infinite. */
function distance(a: Element, e: Element): number | bigint | undefined {
  if (typeof a === 'bigint' && typeof e === 'bigint') return a > e ? a - e : e - a
  if (!isNumeric(a) || !isNumeric(e)) return undefined
  const difference = Math.abs(Number(a) - Number(e))
  return Number.isFinite(Number(a)) && Number.isFinite(Number(e)) ? difference : undefined
}

const isNumeric = (value: Element): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

const isNaNumber = (value: Element): boolean => Number.isNaN(value)
