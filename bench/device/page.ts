import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from 'commander'
import type { Part, Report } from './report.ts'

const [path] = program.description('Writes docs/cuda.md from a report.').argument('<report>').parse().args
const report = JSON.parse(readFileSync(path, 'utf8')) as Report
const titles: Record<string, string> = {
  cases: 'Against PyTorch',
  runs: 'Runs, reads and edits',
  generation: 'generate',
  growth: 'Memory',
  missing: 'A missing library',
}
const page = [
  '# On a GPU',
  `Measured by \`bench/device\` on ${report.date} with \`provider: '${report.provider}'\`: ${report.machine}.`,
  'Values go through host memory wherever one session ends and another begins, as onnxruntime-node has no other way: `load(path, { blocks })` says how many there are.',
  ...Object.entries(report.parts).map(([name, part]) => `## ${titles[name] ?? name}\n\n${table(part)}`),
]
writeFileSync(join(import.meta.dirname, '../../docs/cuda.md'), `${page.join('\n\n')}\n`)

function table(part: Part): string {
  if ('failed' in part) return `Could not be measured: ${part.failed}`
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map(cell => String(cell).replace(/\|/g, '\\|').replace(/\n/g, ' ')).join(' | ')} |`
  return [line(part.head), line(part.head.map(() => '---')), ...part.rows.map(line)].join('\n')
}
