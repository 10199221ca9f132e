import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from 'commander'
import { parseSafetensors } from '../test/cases/safetensors.ts'
import { type Checked, check, type Precision, type Reference } from './check.ts'
import { type Row, writePage } from './page.ts'

program
  .description('Opens what make.py exported, compares it with PyTorch, and writes the table of docs/exporters.md.')
  .argument('<folder>', 'what make.py wrote')
  .argument('[families...]', 'these only')
  .option('--page <file>', 'the page to write')
  .parse()
const [folder, ...only] = program.args
const { page } = program.opts<{ page?: string }>()

interface Family {
  readonly places: Record<string, string>
  /** By exporter, and what was done to its file after: `optimum+int8`. */
  readonly files: Record<string, { file?: string; reason?: string }>
}

const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Record<string, Family>
const rows: Row[] = []
for (const [family, { places, files }] of Object.entries(manifest)) {
  if (only.length > 0 && !only.includes(family)) continue
  const reference = readReference(join(folder, family, 'reference.safetensors'), places)
  for (const [exporter, { file, reason }] of Object.entries(files)) {
    const checked: Checked | string = file
      ? await check(join(folder, file), reference, precisionOf(exporter))
      : (reason ?? '')
    rows.push({ family, exporter, checked })
    console.log(`${family} ${exporter}: ${typeof checked === 'string' ? checked : summary(checked)}`)
  }
}
if (page) writeFileSync(page, writePage(rows))

function summary(checked: Checked): string {
  return Object.entries(checked)
    .map(
      ([name, answer]) =>
        `${name} ${!answer.yes && answer.reason === '' ? '-' : answer.yes ? ['yes', answer.note].filter(Boolean).join(', ') : `NO (${answer.reason})`}`,
    )
    .join(' | ')
}

function precisionOf(exporter: string): Precision {
  if (/int4|int8|q4|qdq|qoperator/.test(exporter)) return 'quantised'
  return /fp16/.test(exporter) ? 'float16' : 'float32'
}

function readReference(file: string, places: Record<string, string>): Reference {
  const tensors = parseSafetensors(readFileSync(file))
  const under = (prefix: string) =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value] as const)
  return {
    places,
    inputs: Object.fromEntries(under('input:')),
    reads: new Map(under('read:')),
    out: tensors.get('out')!,
    vector: tensors.get('vector')!,
    written: tensors.get('written')!,
    generated: tensors.get('generated'),
  }
}
