import { listed } from '../../runtime/errors/listed.ts'
import type { Table } from '../../study/results/table.ts'
import { differs } from './advice.ts'
import type { ComparisonData } from './data.ts'
import { digits, percent } from './numbers.ts'

/** How many rows the table has at most: those of the modules with the largest shares. */
const MOST_ROWS = 15
const LEAST_SHARE = 0.001

/** The table that is printed: the modules with the largest shares of the error, how many modules were paired, and what to do. */
export function tableOf(comparison: ComparisonData): Table {
  const { models, inputs, output, blame, modules } = comparison
  const byPath = new Map(modules.map(module => [module.module, module]))
  const moving = blame.filter(({ effect }) => effect !== 0)
  // The shares of an error that is rounding alone say nothing.
  const guilty = differs(comparison) ? moving : []
  const shown = guilty.filter(({ share }, i) => i < MOST_ROWS && (i === 0 || share >= LEAST_SHARE))
  const rows = shown.map(({ module, node, share, interval }) => {
    const { made, arriving } = (node === null && byPath.get(module)) || {}
    const number = (value: number | null | undefined): string => (typeof value === 'number' ? digits(value) : '–')
    return {
      label: node ?? module,
      cells: [
        percent(share),
        interval.map(percent).join(' … '),
        number(made?.relative),
        number(made?.snr),
        number(arriving?.relative),
      ],
    }
  })
  const left = guilty.length - rows.length
  return {
    title: [
      `${models.b} against ${models.a}, on ${inputs.length === 1 ? 'one input' : `${inputs.length} inputs`}`,
      `${output.metric}: ${digits(output.mean)}, at worst ${digits(output.worst.value)} (${JSON.stringify(output.worst.input)})`,
      ...logitsLine(comparison),
      '',
    ].join('\n'),
    corner: 'module',
    columns: ['share', 'interval', 'made here', 'dB', 'arriving'],
    rows,
    notes: [
      ...(left > 0 ? [`… and ${left} more; --json lists all`] : []),
      ...(guilty.length < moving.length ? ['The shares of so small an error would be chance; --json lists them.'] : []),
      '',
      ...keeping(comparison),
      ...interacting(comparison),
      ...notes(comparison),
      '',
      comparison.advice,
    ],
  }
}

function keeping({ keepFloat }: ComparisonData): string[] {
  if (keepFloat.length === 0) return []
  const steps = keepFloat.map(
    ({ module, left, bytes }) => `  ${module}: ${percent(left)} of the error is left, ${digits(bytes / 1e6)} MB more`,
  )
  return ['Left in float, one after the other:', ...steps, '']
}

/** How many interactions are printed at most. */
const MOST_INTERACTIONS = 10

function interacting({ interactions }: ComparisonData): string[] {
  if (interactions.length === 0) return []
  const lines = interactions
    .slice(0, MOST_INTERACTIONS)
    .map(
      ({ between, share, interval }) =>
        `  ${between.join(' and ')}: ${percent(share)} (${interval.map(percent).join(' … ')})`,
    )
  return ['Of the error, made by two together beyond the sum of both:', ...lines, '']
}

function logitsLine({ logits }: ComparisonData): string[] {
  if (!logits) return []
  const { top1, top5, lossA, lossB } = logits
  const loss = lossA === null || lossB === null ? '' : `, loss ${digits(lossA)} → ${digits(lossB)}`
  return [`same likeliest token: ${percent(top1)}, of the likeliest five: ${percent(top5)}${loss}`]
}

function notes(comparison: ComparisonData): string[] {
  const { pairs, unpaired, unexplained } = comparison
  const ways = new Map<string, number>()
  for (const { by } of pairs) ways.set(by, (ways.get(by) ?? 0) + 1)
  const counts = [...ways].map(([by, count]) => `${count} by ${by}`).join(', ')
  const alone = (which: string, paths: readonly string[]): string[] =>
    paths.length > 0 ? [`Only in the ${which}: ${listed(paths)}.`] : []
  return [
    `${pairs.length} modules have a partner: ${counts}.`,
    ...alone('first', unpaired.a),
    ...alone('second', unpaired.b),
    ...(differs(comparison)
      ? [
          `Outside of modules: ${percent(unexplained.outside)}. What the parts do not add up to: ${percent(unexplained.rest)}.`,
        ]
      : []),
  ]
}
