import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { program } from 'commander'
import { load } from 'onnsight'
import type { Case } from './case.ts'
import { parityTable, type Result } from './parity.ts'
import { CaseRunner } from './runner.ts'

program
  .description('Runs a file of cases through the public API and compares with the stored values.')
  .requiredOption('--cases <file>', 'cases.json; its tensors lie beside it')
  .requiredOption('--models <folder>', 'folder of the models that the cases name')
  .parse()
const { cases: file, models: folder } = program.opts<{ cases: string; models: string }>()

const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[]
const runner = new CaseRunner({
  load: model => load(join(folder, `${model}.onnx`)),
  read: tensors => readFile(join(dirname(file), tensors)),
})
const results: Result[] = []
let skipped = 0
for (const entry of cases) {
  if (entry.needs === 'gradients') {
    console.log(`skipped ${entry.id}: needs ${entry.needs}`)
    skipped++
    continue
  }
  const outcome = await runner.attempt(entry)
  if (outcome.failure === undefined) results.push({ entry, off: outcome.off })
  else console.log(`failed  ${entry.id}: ${outcome.failure}`)
}
await runner.release()
const run = cases.length - skipped
console.log(parityTable(results))
if (skipped > 0) console.log(`${skipped} skipped, not counted`)
console.log(`${results.length} of ${run} within tolerance`)
if (results.length < run || run === 0) process.exitCode = 1
