import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { onnsight } from './spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-example-model-'))
test.after.always(() => rmSync(folder, { recursive: true }))

test('each model is written, loads and runs, and can be written again', async t => {
  const all: string[] = []
  for (const [name, files] of [
    [undefined, ['chars.onnx', 'chars.vocab.json']],
    ['induction', ['induction.onnx', 'induction-int8.onnx']],
    ['llama', ['llama-int4.onnx']],
  ] as const) {
    for (const time of [1, 2]) {
      const args = ['example-model', ...(name ? [name] : []), '--to', join(folder, 'models'), '--json']
      const { code, stdout, stderr } = await onnsight(args)
      t.deepEqual([code, stderr], [0, ''], `${name}, time ${time}`)
      t.deepEqual(
        JSON.parse(stdout).files,
        [...files].map(file => join(folder, 'models', file)),
      )
    }
    all.push(...files)
    for (const file of files.filter(file => file.endsWith('.onnx'))) {
      const model = await load(join(folder, 'models', file))
      t.is((await model.run([[5, 6, 7]])).logits.dims[1], 3, file)
      await model.release()
    }
  }
  t.deepEqual(readdirSync(join(folder, 'models')).sort(), all.sort())
  // The folder has no other models.
  t.deepEqual(
    readdirSync('examples/models')
      .filter(file => !['chars-sae', 'make.py', 'train_sae.py'].includes(file))
      .sort(),
    all.sort(),
  )
})

test('the vocabulary has a text for each row of the logits', async t => {
  const { chars } = JSON.parse(readFileSync('examples/models/chars.vocab.json', 'utf8')) as { chars: string[] }
  const model = await load('examples/models/chars.onnx')
  t.is((await model.run([[0]])).logits.dims[2], chars.length)
  await model.release()
})

test('an existing file with other contents is not replaced; a wrong name is a usage error that lists the names', async t => {
  writeFileSync(join(folder, 'chars.onnx'), 'mine')
  const there = await onnsight(['example-model'], { cwd: folder })
  t.is(there.code, 1)
  t.regex(there.stderr, /chars\.onnx exists already and has other contents\.\n {2}Do this: choose another folder/)
  t.is(readFileSync(join(folder, 'chars.onnx'), 'utf8'), 'mine')
  const wrong = await onnsight(['example-model', 'gpt2'])
  t.is(wrong.code, 2)
  t.regex(wrong.stderr, /chars, induction, llama/)
})
