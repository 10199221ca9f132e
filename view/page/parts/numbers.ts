import type { Cell } from '../../protocol/api.ts'

export const numberOf = (cell: Cell): number => Number(cell)

/** Replaces the hyphen by a true minus sign, which is as wide as a plus sign. */
const withMinus = (text: string): string => text.replace('-', '−')

/** Formats a number with five significant digits. */
export function show(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return withMinus(value.toLocaleString('en-US'))
  const size = Math.abs(value)
  const text = size >= 1e6 || size < 1e-4 ? value.toExponential(3) : value.toPrecision(5)
  return withMinus(text)
}

/** Returns a formatter with the same number of decimals for all numbers, because they are in one column. */
export function sameDecimals(values: readonly number[]): (value: number) => string {
  const finite = values.filter(Number.isFinite).map(Math.abs)
  const largest = Math.max(0, ...finite)
  if (finite.every(Number.isInteger) || largest >= 1e7 || largest < 1e-5) return show
  const decimals = Math.min(8, Math.max(1, 4 - Math.floor(Math.log10(largest))))
  return value => (Number.isFinite(value) ? withMinus(value.toFixed(decimals)) : show(value))
}

/** A probability in whole percent. */
export const percent = (share: number): string => (share < 0.01 ? '<1%' : `${Math.round(100 * share)}%`)

const units = ['', 'k', 'M', 'G', 'T']

/** A short form of a count: 198k. */
export function short(count: number): string {
  let [value, unit] = [count, 0]
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  const text = unit === 0 || value >= 99.5 ? String(Math.round(value)) : value.toPrecision(value >= 9.95 ? 3 : 2)
  return `${text.replace(/\.0+$/, '')}${units[unit]}`
}

export const bytes = (count: number): string =>
  `${short(count)}${count >= 1000 ? 'B' : ' B'}`.replace(/([kMGT])B/, ' $1B')

export const grouped = (count: number): string => count.toLocaleString('en-US')
