import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, template } from 'onnsight'
import { isSameAs } from '../export/compared.ts'
import { onnsight } from './spawn.ts'

const chars = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-edit-'))
test.after.always(() => rmSync(folder, { recursive: true }))

test('edit writes a plain ONNX file that computes what the edited model computes', async t => {
  const text = 'transformer.h[2].mlp.output = 0\nprint(transformer.h[1].output)\ntransformer.h[1].output *= 0.5'
  const path = join(folder, 'edited.onnx')
  writeFileSync(join(folder, 'steer.txt'), text)
  const args = ['--template-file', join(folder, 'steer.txt'), '--output', path, '--weights', 'external', '--json']
  const { code, stdout, stderr } = await onnsight(['edit', chars, ...args])
  t.is(code, 0, stderr)
  t.deepEqual(JSON.parse(stdout), { version: 1, file: path, model: chars, weights: 'external' })
  t.true(existsSync(`${path}.data`))
  const original = await load(chars)
  t.teardown(() => original.release())
  const edited = original.edit(template`
    transformer.h[2].mlp.output = 0
    transformer.h[1].output *= 0.5
  `)
  await isSameAs(t, { edited, original, path, lengths: [{ batch: 2, sequence: 5 }] })
})

test('if the edit is missing or wrong, the output file stays as it was', async t => {
  const path = join(folder, 'there.onnx')
  writeFileSync(path, 'what was there')
  const missing = await onnsight(['edit', chars, '--output', path])
  t.is(missing.code, 2)
  t.regex(missing.stderr, /No edit was passed\.\n {2}Do this: pass one: --template/)
  const wrong = await onnsight(['edit', chars, '--output', path, '--template', 'transformer.h[9].output = 0'])
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /<template>:1:\d+[\s\S]*Do this: /)
  const nowhere = await onnsight(['edit', chars, '--template', 'transformer.h[1].output = 0'])
  t.is(nowhere.code, 2)
  t.regex(nowhere.stderr, /--output <file>/)
  t.is(readFileSync(path, 'utf8'), 'what was there')
})
