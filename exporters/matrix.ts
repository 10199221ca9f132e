import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from 'commander'
import { type Checked, check } from './check.ts'
import { precisionOf, readManifest, readReference } from './manifest.ts'
import { type Row, writePage } from './page.ts'

program
  .description('Opens what make.py exported, compares it with PyTorch, and writes the table of docs/exporters.md.')
  .argument('<folder>', 'what make.py wrote')
  .argument('[families...]', 'these only')
  .option('--page <file>', 'the page to write')
  .parse()
const [folder, ...only] = program.args
const { page } = program.opts<{ page?: string }>()

const manifest = readManifest(folder)
const rows: Row[] = []
for (const [family, { places, files }] of Object.entries(manifest)) {
  if (only.length > 0 && !only.includes(family)) continue
  const reference = readReference(folder, family, places)
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
