/** The contents of a printed table. */
export interface Table {
  /** The line above the table. */
  readonly title: string
  /** The text in the upper left corner, which says what rows and columns are: `layer \ position`. */
  readonly corner: string
  readonly columns: readonly string[]
  readonly rows: readonly { readonly label: string; readonly cells: readonly string[] }[]
  /** The lines below the table, such as units. */
  readonly notes?: readonly string[]
}

/** The most columns that are printed. In a wider table, those in the middle are left out. */
const MOST_COLUMNS = 24
const MOST_ROWS = 60

/** The table as text, with aligned columns. In a wide or long one, the middle is left out, and the last lines say how much. */
export function printed({ title, corner, columns, rows, notes = [] }: Table): string {
  const across = cut(columns.length, MOST_COLUMNS)
  const down = cut(rows.length, MOST_ROWS)
  const lines = [
    [corner, ...across.map(i => (i === undefined ? '…' : visible(columns[i])))],
    ...down.map(r =>
      r === undefined
        ? ['…']
        : [rows[r].label, ...across.map(i => (i === undefined ? '…' : visible(rows[r].cells[i] ?? '')))],
    ),
  ]
  const widths = lines[0].map((_, column) => Math.max(...lines.map(line => [...(line[column] ?? '')].length)))
  const text = lines.map(line =>
    line
      .map((cell, i) => (i === 0 ? padEnd(cell, widths[i]) : padStart(cell, widths[i])))
      .join('  ')
      .trimEnd(),
  )
  const left = [
    ...(across.includes(undefined) ? [`${columns.length - across.length + 1} columns are left out here.`] : []),
    ...(down.includes(undefined) ? [`${rows.length - down.length + 1} rows are left out here.`] : []),
  ]
  return [title, ...text, ...notes, ...left].join('\n')
}

/** The indices that are printed. Undefined stands for those that are left out. */
function cut(length: number, most: number): (number | undefined)[] {
  if (length <= most) return Array.from({ length }, (_, i) => i)
  const half = Math.floor((most - 1) / 2)
  const from = (start: number) => Array.from({ length: half }, (_, i) => start + i)
  return [...from(0), undefined, ...from(length - half)]
}

/** Pads a text to a width in characters, which are not UTF-16 units. */
const padEnd = (text: string, width: number): string => text + ' '.repeat(width - [...text].length)
const padStart = (text: string, width: number): string => ' '.repeat(width - [...text].length) + text

/** A token's text with visible signs for spaces at its ends, tabs and line breaks. */
export function visible(text: string): string {
  return text
    .replaceAll('\r', '␍')
    .replaceAll('\n', '⏎')
    .replaceAll('\t', '⇥')
    .replace(/^ | $/g, '␣')
    .replace(/^$/, '∅')
}

/** A number as text for a table: with two decimals, with none from 1000 on, and in scientific notation if it is small. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size !== 0 && size < 0.005) return size < 2e-6 ? '0.00' : value.toExponential(0)
  // A zero has no sign.
  return value.toFixed(size >= 1000 ? 0 : 2).replace(/^-(0\.00)$/, '$1')
}
