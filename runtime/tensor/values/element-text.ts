type Element = number | bigint | boolean | string

/** How many significant digits the largest number of a tensor is shown with, and the smallest one at least. */
const LARGEST_DIGITS = 5
const SMALLEST_DIGITS = 2

/** Returns a function that writes each element with the same notation and width, so that the columns of a table stand below each other. */
export function alignedText(elements: readonly Element[]): (element: Element) => string {
  if (elements.some(element => typeof element === 'string')) return element => JSON.stringify(element)
  const plain = elements.some(element => typeof element === 'number') ? numberText(elements as number[]) : String
  const width = Math.max(0, ...elements.map(element => plain(element as number).length))
  return element => plain(element as number).padStart(width)
}

/** The text of a number that stands alone. */
export const singleText = (element: Element): string =>
  typeof element === 'number' && !Number.isInteger(element)
    ? Number(element.toPrecision(LARGEST_DIGITS)).toString()
    : typeof element === 'string'
      ? JSON.stringify(element)
      : String(element)

/** Decides, as NumPy does, between decimals and powers of ten: powers where decimals would lose small numbers or be very long. */
function numberText(elements: readonly (number | bigint)[]): (element: number) => string {
  const numbers = elements.filter(element => typeof element === 'number' && Number.isFinite(element)) as number[]
  const sizes = numbers.filter(value => value !== 0).map(Math.abs)
  const [least, largest] = [Math.min(...sizes), Math.max(...sizes)]
  if (numbers.every(Number.isInteger)) return largest < 1e15 || sizes.length === 0 ? String : exponential
  if (largest >= 1e8 || least < 1e-4 || largest / least > 1e5) return exponential
  const place = (value: number): number => Math.floor(Math.log10(value))
  const decimals = Math.max(LARGEST_DIGITS - 1 - place(largest), SMALLEST_DIGITS - 1 - place(least), 1)
  const needed = numbers.map(value => decimalsOf(value.toFixed(decimals)))
  const shown = Math.max(1, ...needed)
  return value => (Number.isFinite(value) ? value.toFixed(shown) : String(value))
}

const exponential = (value: number): string =>
  typeof value === 'number' && Number.isFinite(value) ? value.toExponential(LARGEST_DIGITS - 1) : String(value)

/** How many decimals a text has that are not zeros at its end. */
const decimalsOf = (text: string): number => text.split('.')[1]?.replace(/0+$/, '').length ?? 0
