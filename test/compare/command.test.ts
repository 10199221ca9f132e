import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ComparisonData } from 'onnsight/compare'
import { onnsight } from '../cli/spawn.ts'
import { randomised, Spoilt } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-compare-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const RIGHT = 'test/fixtures/models/induction.onnx'
const SPOILT = join(folder, 'spoilt.onnx')
const spoilt = new Spoilt(RIGHT)
spoilt.floats('transformer.h.1.attn.c_proj.weight', values => values.map(value => value * 2))
spoilt.save(SPOILT)
const GUILTY = 'transformer.h.1.attn.c_proj'

test('it names the module that is to blame, for people and as JSON', async t => {
  const people = await onnsight(['compare', RIGHT, SPOILT])
  t.is(people.code, 0)
  t.regex(people.stdout, /^transformer\.h\.1\.attn\.c_proj +100%/m)
  t.regex(people.stdout, /transformer\.h\.1\.attn\.c_proj makes 100% of the error/)
  const { stdout } = await onnsight(['compare', RIGHT, SPOILT, '--json'])
  const { blame, culprit, models, inputs } = JSON.parse(stdout) as ComparisonData
  t.is(blame[0].module, GUILTY)
  t.is(culprit, GUILTY)
  t.deepEqual(models, { a: RIGHT, b: SPOILT })
  t.is(inputs.length, 8)
})

test('inputs come from options, files and folders', async t => {
  const runs = join(folder, 'runs')
  mkdirSync(runs)
  for (const name of ['one', 'two']) writeFileSync(join(runs, `${name}.json`), '{"input_ids": [[1, 2, 3, 1, 2]]}')
  const inputsOf = async (...args: string[]): Promise<readonly string[]> =>
    (JSON.parse((await onnsight(['compare', RIGHT, SPOILT, '--json', ...args])).stdout) as ComparisonData).inputs
  t.deepEqual(await inputsOf('--inputs', runs), ['one', 'two'])
  t.deepEqual(await inputsOf('--input', 'input_ids=[[1, 2, 3]]'), ['input'])
  t.deepEqual(await inputsOf('--inputs', join(runs, 'one.json')), ['one.json'])
  const texts = join(folder, 'texts.txt')
  writeFileSync(texts, 'What light\n\nSpeak, my lord\n')
  const chars = 'test/fixtures/models/chars.onnx'
  const { stdout } = await onnsight(['compare', chars, chars, '--json', '--texts', texts])
  t.deepEqual((JSON.parse(stdout) as ComparisonData).inputs, ['What light', 'Speak, my lord'])
})

test('the report names the guiltiest module first, and colours the modules around it', async t => {
  const file = join(folder, 'report.html')
  const { code } = await onnsight(['compare', RIGHT, SPOILT, '--html', file])
  t.is(code, 0)
  const page = readFileSync(file, 'utf8')
  t.regex(page, /<h2>Blame<\/h2>\s*<div[^>]*><table><tr>.*?<\/tr><tr><td>transformer\.h\.1\.attn\.c_proj<\/td><td>100%/)
  t.regex(page, /<details open><summary><span style="background: rgb\(217 121 111 \/ 1\.000\)">attn<\/span> 100%/)
  t.regex(page, /<li><span style="background: rgb\(217 121 111 \/ 0\.000\)">c_attn<\/span> <\/li>/)
  t.notRegex(page, /(src|href)=|undefined|\[object/)
})

test('a metric above its bound ends with its own exit code, and stands in the JUnit report', async t => {
  const report = join(folder, 'report.xml')
  const args = ['compare', RIGHT, SPOILT, '--junit', report]
  const failed = await onnsight([...args, '--fail-above', 'kl=1e-6', '--fail-above', 'top1-disagreement=1'])
  t.is(failed.code, 3)
  t.regex(failed.stderr, /^kl is \d.*, and must be at most 0\.000001/)
  const xml = readFileSync(report, 'utf8')
  t.regex(xml, /tests="2" failures="1"/)
  t.regex(xml, /<failure message="kl is /)
  const passed = await onnsight([...args, '--fail-above', 'kl=100'])
  t.is(passed.code, 0)
  t.regex(readFileSync(report, 'utf8'), /tests="1" failures="0"/)
})

test('the mixed model that is written answers as the first model', async t => {
  const mixed = join(folder, 'mixed.onnx')
  const { code, stderr } = await onnsight(['compare', RIGHT, SPOILT, '--keep-float', '1', '--save', mixed])
  t.is(code, 0)
  t.regex(
    stderr,
    /mixed\.onnx: 24\d kB, 1 of the modules as in the first model; run by onnxruntime alone, KL \(nats\) is 0\.00/,
  )
  const { stdout } = await onnsight(['compare', RIGHT, mixed, '--json'])
  t.is((JSON.parse(stdout) as ComparisonData).culprit, null)
  t.is((await onnsight(['compare', RIGHT, SPOILT, '--save', mixed])).code, 2)
})

const verse = 'test/fixtures/models/verse/onnx/model.onnx'
const [CHARS, CACHE] = ['test/fixtures/models/chars.onnx', 'test/fixtures/models/chars-cache.onnx']
const broken = join(folder, 'broken.onnx')
const nan = new Spoilt(RIGHT)
nan.floats('transformer.h.0.attn.c_proj.weight', values => values.fill(Number.NaN))
nan.save(broken)
const another = join(folder, 'another.onnx')
const rows = new Spoilt(RIGHT)
// It takes and gives the same as the model, with other modules and weights.
const [embedding, head] = [
  'transformer.wte.weight',
  rows.proto.graph!.node.find(({ output }) => output[0] === 'logits')!.input[1],
]
rows.proto.graph!.node = []
for (const node of [
  { name: '/some/rows/Gather', opType: 'Gather', input: [embedding, 'input_ids'], output: ['rows'] },
  { name: '/some/wave/Sin', opType: 'Sin', input: ['rows'], output: ['wave'] },
  { name: '/some/words/MatMul', opType: 'MatMul', input: ['wave', head], output: ['logits'] },
])
  rows.add(node)
for (const weight of [embedding, head]) rows.floats(weight, values => values.map((_, i) => Math.sin(i * i)))
rows.save(another)
const random = join(folder, 'random.onnx')
randomised('test/fixtures/models/chars.onnx').save(random)

for (const [what, code, args] of [
  ['other inputs', 4, [RIGHT, 'test/fixtures/names/resnet.onnx']],
  [
    'an input that only the first has',
    4,
    [CACHE, CHARS, '--input', 'input_ids=[[1, 2]]', '--input', 'attention_mask=[[1, 1]]'],
  ],
  ['another vocabulary', 5, [RIGHT, 'test/fixtures/models/chars.onnx']],
  ['random weights', 6, ['test/fixtures/models/chars.onnx', random]],
  ['no module in common', 6, [RIGHT, another]],
  ['NaN in the first model', 7, [broken, RIGHT]],
  ['an input that neither has', 1, [RIGHT, SPOILT, '--input', 'pixels=[[1]]']],
  ['texts without a tokenizer', 1, [RIGHT, SPOILT, '--texts', 'README.md']],
  ['a missing file', 1, [RIGHT, join(folder, 'nowhere.onnx')]],
  ['a metric that there is not', 2, [RIGHT, SPOILT, '--fail-above', 'error=1']],
  ['a metric of other models', 2, [RIGHT, SPOILT, '--fail-above', 'relative-error=1']],
  ['a report of nothing', 2, [RIGHT, SPOILT, '--junit', join(folder, 'nothing.xml')]],
  ['texts and inputs', 2, [verse, verse, '--texts', 'README.md', '--input', 'input_ids=[[1]]']],
] as const)
  test(`${what}: exit code ${code}`, async t => {
    const { code: exit, stdout, stderr } = await onnsight(['compare', ...args])
    t.is(exit, code, stderr)
    t.is(stdout, '')
    t.regex(stderr, /Do this: /)
    t.false(existsSync(join(folder, 'nothing.xml')))
  })
