/** A Vega-Lite specification. Its types are those of an optional package, so here it is plain JSON. */
export type Chart = Readonly<Record<string, unknown>>

/** The share of the largest value above which a cell is so dark that its text is white. */
const SURE = 0.62

/** A Vega expression that gives the label of a place on an axis by its number. The places have numbers because labels, such as tokens, may repeat. */
const labelled = (labels: readonly string[]): string => `${JSON.stringify(labels)}[datum.value]`

/** The contents of a heat map. */
export interface HeatMap {
  readonly title: string
  readonly subtitle?: string
  readonly across: { readonly name: string; readonly labels: readonly string[] }
  readonly down: { readonly name: string; readonly labels: readonly string[] }
  /** Rows from top to bottom. */
  readonly values: readonly (readonly number[])[]
  /** The texts of the cells. @default the numbers */
  readonly texts?: readonly (readonly string[])[]
  /** The text that pointing at a cell shows after its labels and its number. */
  readonly details?: readonly (readonly string[])[]
  /** What the numbers measure, with their unit. */
  readonly measure: string
  /** The greatest value of the scale. Values of both signs have a scale around 0. @default the greatest of the values */
  readonly most?: number
}

/** A heat map. Its colours are a diverging scale around 0 if there are negative values, and otherwise a scale from white. */
export function heatMap(map: HeatMap): Chart {
  const { title, subtitle, across, down, values, texts, details, measure } = map
  const all = values.flat().filter(Number.isFinite)
  const most = map.most ?? Math.max(Number.MIN_VALUE, ...all.map(Math.abs))
  const isSigned = all.some(value => value < 0)
  const data = values.flatMap((row, y) =>
    row.map((value, x) => ({
      x,
      y,
      value: Number.isFinite(value) ? value : null,
      text: texts?.[y][x] ?? number(value),
      share: Number.isFinite(value) ? Math.min(1, Math.abs(value) / most) : 0,
      about: [
        `${down.name} ${down.labels[y]}`,
        `${across.name} ${across.labels[x]}`,
        `${measure} ${number(value, 4)}`,
        ...(details?.[y][x] ? [details[y][x]] : []),
      ].join(', '),
    })),
  )
  const widest = Math.max(...data.map(({ text }) => [...text].length), ...across.labels.map(label => [...label].length))
  const isCrowded = across.labels.length > 40
  const at = (name: string, field: string, labels: readonly string[], more: object) => ({
    field,
    type: 'ordinal',
    title: name,
    axis: { labelExpr: labelled(labels), domain: false, ticks: false, labelFontSize: 11, labelLimit: 160, ...more },
  })
  return {
    title: heading(title, subtitle),
    data: { values: data },
    width: { step: isCrowded ? 14 : Math.max(34, 7 * widest + 10) },
    height: { step: isCrowded ? 18 : 26 },
    encoding: {
      x: at(across.name, 'x', across.labels, { orient: 'top', labelAngle: isCrowded ? -90 : 0 }),
      y: at(down.name, 'y', down.labels, {}),
    },
    layer: [
      {
        mark: { type: 'rect', stroke: 'white', strokeWidth: isCrowded ? 0 : 1.5 },
        encoding: {
          color: {
            field: 'value',
            type: 'quantitative',
            title: measure,
            scale: isSigned
              ? { scheme: 'redblue', domain: [-most, most], domainMid: 0, clamp: true }
              : { range: ['#f4f6fa', '#9ecae1', '#08519c'], domain: [0, most], clamp: true },
            legend: { gradientLength: 90, titleLimit: 220 },
          },
          description: { field: 'about' },
        },
      },
      ...(isCrowded
        ? []
        : [
            {
              mark: { type: 'text', aria: false, fontSize: 10.5 },
              encoding: {
                text: { field: 'text' },
                color: { condition: { test: `datum.share > ${SURE}`, value: 'white' }, value: '#222' },
              },
            },
          ]),
    ],
    config,
  }
}

/** The contents of a chart of bars. */
export interface Bars {
  readonly title: string
  readonly subtitle?: string
  readonly name: string
  readonly labels: readonly string[]
  readonly values: readonly number[]
  readonly measure: string
}

/** A chart with one bar for each label, from top to bottom. Bars of negative values go to the left. */
export function bars({ title, subtitle, name, labels, values, measure }: Bars): Chart {
  const data = values.map((value, y) => ({
    y,
    value,
    text: number(value),
    about: `${name} ${labels[y]}, ${measure} ${number(value, 4)}`,
  }))
  return {
    title: heading(title, subtitle),
    data: { values: data },
    width: 360,
    height: { step: 18 },
    encoding: {
      y: {
        field: 'y',
        type: 'ordinal',
        title: name,
        axis: { labelExpr: labelled(labels), domain: false, ticks: false, labelLimit: 220 },
      },
      x: { field: 'value', type: 'quantitative', title: measure },
    },
    layer: [
      {
        mark: { type: 'bar', height: 13 },
        encoding: {
          color: { condition: { test: 'datum.value < 0', value: NEGATIVE }, value: POSITIVE },
          description: { field: 'about' },
        },
      },
      {
        mark: {
          type: 'text',
          aria: false,
          align: { expr: "datum.value < 0 ? 'right' : 'left'" },
          dx: { expr: 'datum.value < 0 ? -4 : 4' },
        },
        encoding: { text: { field: 'text' } },
      },
    ],
    config,
  }
}

/** The contents of a chart of lines. */
export interface Lines {
  readonly title: string
  readonly subtitle?: string
  readonly across: { readonly name: string; readonly values: readonly (number | string)[] }
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[]
  readonly measure: string
}

/** A chart with a line and points for each series. */
export function lines({ title, subtitle, across, series, measure }: Lines): Chart {
  const data = series.flatMap(({ name, values }) =>
    values.map((value, i) => ({
      x: across.values[i],
      value,
      series: name,
      about: `${name}, ${across.name} ${across.values[i]}, ${measure} ${number(value, 4)}`,
    })),
  )
  const isNumeric = across.values.every(value => typeof value === 'number')
  return {
    title: heading(title, subtitle),
    data: { values: data },
    width: 360,
    height: 220,
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'x', type: isNumeric ? 'quantitative' : 'ordinal', title: across.name, sort: null },
      y: { field: 'value', type: 'quantitative', title: measure, scale: { zero: false } },
      ...(series.length > 1 ? { color: { field: 'series', type: 'nominal', title: null } } : {}),
      description: { field: 'about' },
    },
    config,
  }
}

export const POSITIVE = '#2166ac'
export const NEGATIVE = '#b2362b'

export const heading = (title: string, subtitle: string | undefined) => ({
  text: title,
  ...(subtitle ? { subtitle } : {}),
  anchor: 'start',
  offset: 12,
})

export const config = {
  font: 'ui-sans-serif, system-ui, sans-serif',
  view: { stroke: null },
  axis: { titleFontWeight: 'normal', titleColor: '#666', grid: false },
  title: { fontSize: 14, subtitleColor: '#666' },
}

/** A number as text. A zero has no sign. */
export function number(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return '–'
  return value.toFixed(digits).replace(/^-(0\.0+)$/, '$1')
}

/** Puts charts side by side. */
export function beside(charts: readonly Chart[]): Chart {
  const parts = charts.map(({ config: _, ...chart }) => chart)
  return {
    hconcat: parts,
    resolve: { scale: { color: 'independent', x: 'independent', y: 'independent' } },
    spacing: 36,
    config,
  }
}
