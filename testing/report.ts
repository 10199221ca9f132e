import { showDims } from '../runtime/errors/tensor.ts'
import { indexOf } from '../runtime/tensor/dtypes/data.ts'
import type { Comparison, Difference } from './compare.ts'
import type { Element, Elements } from './elements.ts'
import type { Tolerance } from './tolerance.ts'

/** Describes one side by its dtype and dims: `float32 [1, 4, 128]`. */
export function describeSide({ type, dims }: Pick<Elements, 'type' | 'dims'>): string {
  return `${type} ${showDims(dims)}`
}

export function describeTolerance({ rtol, atol }: Tolerance): string {
  return rtol === 0 && atol === 0 ? 'exact' : `|actual - expected| <= ${atol} + ${rtol} * |expected|`
}

/** The message of a failed comparison. */
export function report(comparison: Comparison, actual: Elements, tolerance: Tolerance): string {
  const { size, count, first } = comparison
  const elements = size === 1 ? '1 element' : `${size} elements`
  const lines = [
    `Tensors are not close: ${count} of ${elements} ${count === 1 ? 'differs' : 'differ'} (${percent(count, size)}).`,
    `  ${describeSide(actual)}, ${describeTolerance(tolerance)}`,
  ]
  const place = (difference: Difference): string => showIndex(difference, actual.dims)
  const greatest = (name: string, difference: Difference | undefined, value: number | bigint | undefined): void => {
    if (!difference || value === undefined) return
    const sides = `${show(difference.actual)}, expected ${show(difference.expected)}`
    lines.push(`  greatest ${name} difference ${show(round(value))} at ${place(difference)}: ${sides}`)
  }
  greatest('absolute', comparison.greatestAbsolute, comparison.greatestAbsolute?.absolute)
  greatest('relative', comparison.greatestRelative, comparison.greatestRelative?.relative)
  if (comparison.firstNonFinite)
    lines.push(
      `  NaN or infinite on one side: ${comparison.nonFinite} of ${elements}, first at ${place(comparison.firstNonFinite)}`,
    )
  lines.push('', ...table(first, actual.dims))
  if (count > first.length) lines.push(`  … and ${count - first.length} more`)
  return lines.join('\n')
}

/** A table of the first differences, with a row for each. */
function table(differences: readonly Difference[], dims: readonly number[]): string[] {
  const hasDistance = differences.some(({ absolute }) => absolute !== undefined)
  const rows = [
    ['index', 'actual', 'expected', ...(hasDistance ? ['difference'] : [])],
    ...differences.map(difference => [
      showIndex(difference, dims),
      show(difference.actual),
      show(difference.expected),
      ...(hasDistance ? [difference.absolute === undefined ? '' : show(round(difference.absolute))] : []),
    ]),
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd())
}

const showIndex = ({ index }: Difference, dims: readonly number[]): string => showDims(indexOf(index, dims))

function show(element: Element): string {
  if (typeof element === 'string') return JSON.stringify(element)
  if (Object.is(element, -0)) return '-0'
  // A float32 has at most nine significant digits.
  return typeof element === 'number' && !Number.isInteger(element)
    ? String(Number(element.toPrecision(9)))
    : String(element)
}

const round = (value: number | bigint): number | bigint =>
  typeof value === 'bigint' ? value : Number(value.toPrecision(4))

function percent(count: number, size: number): string {
  const share = (count / size) * 100
  return `${share < 0.01 ? '< 0.01' : Number(share.toFixed(2))} %`
}
