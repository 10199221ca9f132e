/** Draws numbers from `low` to `high` as coloured cells with the numbers in them. The SVG needs no other fonts or styles. */
export function heatmap({
  title,
  rows,
  columns,
  values,
  across,
  down,
}: {
  readonly title: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly values: readonly (readonly number[])[]
  /** What the columns and the rows are. */
  readonly across: string
  readonly down: string
}): string {
  const [cell, left, top] = [52, 78, 66]
  const [width, height] = [left + columns.length * cell + 14, top + rows.length * 34 + 14]
  const most = Math.max(...values.flat().map(Math.abs))
  const cells = values.flatMap((row, y) =>
    row.map((value, x) => {
      const share = Math.abs(value) / most
      const [at, line] = [left + x * cell, top + y * 34]
      const fill = `rgb(${mix(value < 0 ? NEGATIVE : POSITIVE, share).join(', ')})`
      return `<rect x="${at}" y="${line}" width="${cell - 2}" height="32" rx="3" fill="${fill}"/>
<text x="${at + cell / 2 - 1}" y="${line + 21}" text-anchor="middle" fill="${share > 0.6 ? '#fff' : '#222'}">${show(value)}</text>`
    }),
  )
  const heads = columns.map(
    (name, x) =>
      `<text x="${left + x * cell + cell / 2 - 1}" y="${top - 8}" text-anchor="middle">${escaped(name)}</text>`,
  )
  const sides = rows.map(
    (name, y) => `<text x="${left - 8}" y="${top + y * 34 + 21}" text-anchor="end">${escaped(name)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" fill="#222">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="14" y="22" font-size="14" font-weight="bold">${escaped(title)}</text>
<text x="${left}" y="40" fill="#777" font-size="12">${escaped(across)}</text>
<text x="14" y="${top - 8}" fill="#777" font-size="12">${escaped(down)}</text>
${[...heads, ...sides, ...cells].join('\n')}
</svg>
`
}

const POSITIVE = [20, 90, 160]
const NEGATIVE = [178, 60, 40]

const mix = (colour: readonly number[], share: number): number[] =>
  colour.map(part => Math.round(250 + (part - 250) * share))

/** A number as text. A zero has no sign. */
const show = (value: number): string => value.toFixed(2).replace(/^-(0\.00)$/, '$1')

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
