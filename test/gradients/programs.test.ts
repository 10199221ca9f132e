import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import type { Case } from '../cases/case.ts'
import { CaseRunner } from '../cases/runner.ts'

// Random programs: edits, losses and places that were drawn by chance, with the gradients that PyTorch computed of them in float64.
const folder = 'test/fixtures/gradients/programs'
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as Case[]

const runner = new CaseRunner({
  load: model => load(`test/fixtures/models/${model}.onnx`),
  read: file => readFile(join(folder, file)),
})

test.after.always(() => runner.release())

for (const entry of cases)
  test.serial(`${entry.id} on ${entry.model}: the gradients are those of PyTorch`, async t => {
    const { failure } = await runner.attempt(entry)
    t.is(failure, undefined)
  })
