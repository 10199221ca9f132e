import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { near } from '../near.ts'

const ids = [[18, 47, 56, 57, 58]]
const folder = mkdtempSync(join(tmpdir(), 'onnsight-outputs-'))
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(() => model?.release())

/** What onnxruntime alone gives for a file. */
async function alone(path: string): Promise<Record<string, Tensor>> {
  const session = await ort.InferenceSession.create(path)
  const found = await session.run({
    input_ids: new ort.Tensor('int64', BigInt64Array.from(ids[0], BigInt), [1, ids[0].length]),
  })
  const tensors = Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, tensor(value.data as Float32Array).reshape([...value.dims])]),
  )
  await session.release()
  return Object.fromEntries(
    await Promise.all(Object.entries(tensors).map(async ([name, value]) => [name, await value.value()] as const)),
  )
}

test('chosen places become outputs that onnxruntime alone gives, for any number of tokens', async t => {
  const path = join(folder, 'with.onnx')
  const outputs = {
    hidden: 'transformer.h.2.output',
    'transformer.h.1.attn.output': 'transformer.h.1.attn.output',
    entering: 'transformer.h.3.mlp.input',
  }
  await model.save(path, { outputs })
  const expected = await model.trace(ids, m => ({
    logits: m.lm_head.output,
    hidden: m.transformer.h[2].output,
    'transformer.h.1.attn.output': m.transformer.h[1].attn.output,
    entering: m.transformer.h[3].mlp.input,
  }))
  const got = await alone(path)
  t.deepEqual(Object.keys(got).sort(), Object.keys(expected).sort())
  for (const [name, value] of Object.entries(expected)) t.true(near(got[name], value as Tensor), name)
  const again = await load(path)
  t.deepEqual(
    again.signature.outputs.map(({ name }) => name),
    ['logits', ...Object.keys(outputs)],
  )
  t.deepEqual(again.signature.outputs[1].dims?.slice(2), [128])
  await again.release()
})

test('further outputs of an edited model are those after the edit', async t => {
  const path = join(folder, 'edited.onnx')
  const edited = model.edit(m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(-1)
  })
  await edited.save(path, { outputs: ['transformer.h.1.output', 'transformer.h.2.output'] })
  const got = await alone(path)
  const read = (of: Model) => of.trace(ids, m => [m.transformer.h[1].output, m.transformer.h[2].output])
  const [[first, second], [plain]] = [await read(edited), await read(model)]
  t.true(near(got['transformer.h.1.output'], first))
  t.true(near(got['transformer.h.2.output'], second))
  t.false(near(got['transformer.h.1.output'], plain))
})

test('a place that is none, or a name that is taken, is refused, and nothing is written', async t => {
  const path = join(folder, 'never.onnx')
  const wrong: [Record<string, string>, string][] = [
    [{ a: 'transformer.h.9.output' }, 'unknown-module'],
    [{ a: 'nothing' }, 'unknown-name'],
    [{ logits: 'transformer.h.1.output' }, 'unsavable-edit'],
    [{ input_ids: 'transformer.h.1.output' }, 'unsavable-edit'],
  ]
  for (const [outputs, code] of wrong)
    t.is(((await t.throwsAsync(model.save(path, { outputs }))) as OnnsightError).code, code, JSON.stringify(outputs))
  t.false(readdirSync(folder).includes('never.onnx'))
})

test('a repository of Triton’s: its configuration names what onnxruntime takes and gives', async t => {
  const models = join(folder, 'models')
  const edited = model.edit(m => {
    m.transformer.h[1].mlp.output = 0
  })
  await edited.save(models, {
    layout: 'triton',
    version: 3,
    outputs: { hidden: 'transformer.h.2.output' },
    warmup: { input_ids: 4 },
  })
  t.is(
    readFileSync(join(models, 'chars/config.pbtxt'), 'utf8'),
    `name: "chars"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: 0
input [
  { name: "input_ids" data_type: TYPE_INT64 dims: [ -1, -1 ] }
]
output [
  { name: "logits" data_type: TYPE_FP32 dims: [ -1, -1, 65 ] },
  { name: "hidden" data_type: TYPE_FP32 dims: [ -1, -1, 128 ] }
]
version_policy { specific { versions: [ 3 ] } }
model_warmup {
  name: "zeros"
  inputs { key: "input_ids" value { data_type: TYPE_INT64 dims: [ 4, 4 ] zero_data: true } }
}
`,
  )
  const got = await alone(join(models, 'chars/3/model.onnx'))
  const expected = await edited.trace(ids, m => ({ logits: m.lm_head.output, hidden: m.transformer.h[2].output }))
  t.true(near(got.logits, expected.logits))
  t.true(near(got.hidden, expected.hidden))
  t.false(near(got.logits, (await model.run(ids)).logits))
})

test('KServe’s layout has its InferenceService beside the repository; a bad layout, name or version is refused', async t => {
  const models = join(folder, 'kserve')
  await model.save(models, { layout: 'kserve', name: 'My_Chars' })
  t.deepEqual(readdirSync(models).sort(), ['My_Chars', 'inference-service.yaml'])
  t.regex(readFileSync(join(models, 'inference-service.yaml'), 'utf8'), /name: my-chars\n[\s\S]*storageUri/)
  for (const options of [{ layout: 'torch' }, { layout: 'triton', version: 0 }, { layout: 'triton', name: '../x' }])
    t.is(((await t.throwsAsync(model.save(models, options as never))) as OnnsightError).code, 'load-option')
})
