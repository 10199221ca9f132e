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
for (const entry of cases) {
  const outcome = await runner.attempt(entry)
  if (outcome.failure === undefined) results.push({ entry, off: outcome.off })
  else console.log(`failed  ${entry.id}: ${outcome.failure}`)
}
await runner.release()
console.log(parityTable(results))
console.log(`${results.length} of ${cases.length} within tolerance`)
if (results.length < cases.length || cases.length === 0) process.exitCode = 1
