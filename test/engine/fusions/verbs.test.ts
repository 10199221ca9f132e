import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { everyVerb } from './every-verb.ts'
import { operators } from './operators.ts'

// Does everything that can be done with a model, on each fused or packed operator and its attributes. test/model/fused-verbs.test.ts has some.

const folder = mkdtempSync(join(tmpdir(), 'onnsight-verbs-'))
test.after.always(() => rmSync(folder, { recursive: true }))

for (const [i, graph] of operators.entries()) {
  test(`${graph.name}: every verb gives what onnxruntime gives`, async t => {
    t.timeout(120_000)
    await everyVerb(t, graph, join(folder, `${i}.onnx`))
  })
}
