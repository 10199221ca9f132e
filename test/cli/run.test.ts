import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import test from 'ava'
import { load, type Model, readSafetensors, Tensor, template, tensor, writeSafetensors } from 'onnsight'
import { stateOf } from '#dist/runtime/tensor/tensor.js'
import { npyParts, readNpy } from '#dist/runtime/tensor-files/npy.js'
import { graph, model as modelOf, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { type CommandResult, onnsight } from './spawn.ts'

const chars = 'test/fixtures/models/chars.onnx'
const ids = [[18, 47, 56, 57]]
const folder = mkdtempSync(join(tmpdir(), 'onnsight-run-'))
const at = (name: string): string => join(folder, name)

let model!: Model
let logits!: Tensor
test.before(async () => {
  model = await load(chars)
  logits = (await model.run(ids)).logits
})
test.after.always(async () => {
  await model?.release()
  rmSync(folder, { recursive: true })
})

const run = (...args: string[]): Promise<CommandResult> => onnsight(['run', chars, ...args])
const int64 = (rows: number[][]): Tensor =>
  Tensor.of({ type: 'int64', dims: [rows.length, rows[0].length], data: BigInt64Array.from(rows.flat(), BigInt) })

interface Results {
  readonly [name: string]: { readonly type: string; readonly dims: number[]; readonly data: unknown }
}

test('every way to pass an input gives the same results', async t => {
  writeFileSync(at('ids.npy'), Buffer.concat(npyParts('ids.npy', int64(ids))))
  writeFileSync(at('ids.json'), JSON.stringify(ids))
  writeFileSync(at('all.json'), JSON.stringify({ input_ids: ids }))
  writeFileSync(at('labelled.json'), JSON.stringify({ input_ids: { type: 'int64', dims: [1, 4], data: ids } }))
  await writeSafetensors(at('all.safetensors'), { input_ids: int64(ids) })
  await writeSafetensors(at('one.safetensors'), { whatever: int64(ids) })
  for (const args of [
    ['--input', 'input_ids=[[18, 47, 56, 57]]'],
    ['--input', '[[18, 47, 56, 57]]'],
    ['--input', 'input_ids=[["18", "47", "56", "57"]]'],
    ['--input', `input_ids=${at('ids.npy')}`],
    ['--input', `input_ids=${at('ids.json')}`],
    ['--input', `input_ids=${at('all.safetensors')}`],
    ['--input', `input_ids=${at('one.safetensors')}`],
    ['--inputs', at('all.json')],
    ['--inputs', at('ids.json')],
    ['--inputs', at('labelled.json')],
    ['--inputs', at('all.safetensors')],
    ['--inputs', '{"input_ids": [[18, 47, 56, 57]]}'],
    ['--inputs', '{"input_ids": [[1]]}', '--input', 'input_ids=[[18, 47, 56, 57]]'],
  ]) {
    const { code, stdout, stderr } = await run(...args, '--json')
    t.is(code, 0, `${args.join(' ')}\n${stderr}`)
    const results = JSON.parse(stdout) as Results
    t.deepEqual(results, { logits: { type: 'float32', dims: [1, 4, 65], data: logits.tolist() } }, args.join(' '))
  }
})

test('as text it prints each result with its dtype and dims', async t => {
  const { stdout, stderr } = await run('--input', 'input_ids=[[18, 47, 56, 57]]')
  t.is(stdout, `logits = ${String(logits)}\n`)
  t.is(stderr, '')
})

test('a template saves results; without a save, the results are the outputs as the template changed them', async t => {
  const text = 'transformer.h[2].mlp.output *= 0\nsave last = lm_head.output[:, -1]\nsave top = argmax(last, -1)'
  writeFileSync(at('block.txt'), `\ufeff${text.replaceAll('\n', '\r\n')}\r\n`)
  const parts = Object.assign([text], { raw: [text] })
  const { last, top } = await model.trace(ids, template(parts))
  for (const args of [
    ['--template', text],
    ['--template-file', at('block.txt')],
    ['--template', text, '--time-limit', '120'],
  ]) {
    const { stdout, stderr } = await run('--input', 'input_ids=[[18, 47, 56, 57]]', '--json', ...args)
    t.is(stderr, '')
    const results = JSON.parse(stdout) as Results
    t.deepEqual(Object.keys(results), ['last', 'top'])
    t.deepEqual(results.last.data, last.tolist())
    t.deepEqual(results.top, { type: 'int64', dims: [1], data: top.tolist() })
  }
  const whole = await run(
    '--input',
    'input_ids=[[18, 47, 56, 57]]',
    '--json',
    '--template',
    'lm_head.output = 1; print("told", 2)',
  )
  t.is(whole.stderr, 'told 2\n')
  t.deepEqual((JSON.parse(whole.stdout) as Results).logits, {
    type: 'float32',
    dims: [1, 4, 65],
    data: (await tensor(new Float32Array(260).fill(1)).reshape([1, 4, 65]).value()).tolist(),
  })
})

const saves = `a = lm_head.output[0, :2, :3]
save f32 = a
save f16 = a.to('float16')
save f64 = a.to('float64')
save i64 = (a * 10).to('int64')
save u8 = a.abs().to('uint8')
save b = a > 0
save zero = a[0, 0]
save none = a[:0]`

test('the ending of --output decides the format, and the file holds what was computed', async t => {
  const expected = await model.trace(ids, template(Object.assign([saves], { raw: [saves] })))
  const inputArgs = ['--input', 'input_ids=[[18, 47, 56, 57]]', '--template', saves]
  for (const ending of ['json', 'safetensors', 'arrow']) {
    const { code, stdout, stderr } = await run(...inputArgs, '--output', at(`results.${ending}`))
    t.is(code, 0, stderr)
    t.regex(
      stdout,
      /results\.\w+: f32 float32 \[2, 3\], f16 float16 \[2, 3\], .* zero float32 \[\], none float32 \[0, 3\]\n$/,
    )
  }
  const json = JSON.parse(readFileSync(at('results.json'), 'utf8')) as Results
  const tensors = await readSafetensors(at('results.safetensors'))
  const table = tableFromIPC(readFileSync(at('results.arrow')))
  t.is(table.numRows, 1)
  for (const [name, { type, dims }] of Object.entries(expected)) {
    const held = stateOf(expected[name]).data()
    t.deepEqual(json[name], { type, dims: [...dims] as number[], data: expected[name].tolist() as unknown })
    t.deepEqual(stateOf(tensors[name]).data(), { ...held, dims: [...held.dims] })
    const field = table.schema.fields.find(field => field.name === name)!
    t.is(field.metadata.get('ARROW:extension:name'), 'arrow.fixed_shape_tensor')
    t.deepEqual(JSON.parse(field.metadata.get('ARROW:extension:metadata')!), { shape: dims })
    const values = table.getChild(name)!.get(0) as Iterable<unknown>
    const elements: unknown[] = Array.from(expected[name].data as Iterable<unknown>)
    t.deepEqual(Array.from(values), type === 'bool' ? elements.map(Boolean) : elements)
  }
  t.is(readFileSync(at('results.arrow'), 'latin1').slice(0, 6), 'ARROW1')

  const { code } = await run('--input', 'input_ids=[[18, 47, 56, 57]]', '--output', at('deep/logits.npy'))
  t.is(code, 0)
  t.deepEqual((await readNpy(at('deep/logits.npy'))).tolist(), logits.tolist())
})

test('int64 keeps every digit; float16, bool and empty tensors go in and out', async t => {
  const passed = { i: OnnxType.INT64, h: OnnxType.FLOAT16, b: OnnxType.BOOL, e: OnnxType.FLOAT }
  const all = Object.entries(passed)
  const dims = (name: string) => (name === 'e' ? ['n', 3] : [`${name}_length`])
  const file = saved(
    modelOf(
      graph({
        nodes: all.map(([name]) => node('Identity', [name], [`${name}_out`])),
        inputs: all.map(([name, type]) => value(name, type, dims(name))),
        outputs: all.map(([name, type]) => value(`${name}_out`, type, dims(name))),
      }),
    ),
  )
  const given = {
    i: '["9007199254740993", -5]',
    h: '[0.5, "-Infinity", "NaN", 65504]',
    b: '[true, false, 1]',
    e: '{"dims": [0, 3], "data": []}',
  }
  const inputs = Object.entries(given).flatMap(([name, value]) => ['--input', `${name}=${value}`])
  const { code, stdout, stderr } = await onnsight(['run', file, '--json', ...inputs])
  t.is(code, 0, stderr)
  const results = JSON.parse(stdout) as Results
  t.deepEqual(results.i_out, { type: 'int64', dims: [2], data: ['9007199254740993', -5] })
  t.deepEqual(results.h_out, { type: 'float16', dims: [4], data: [0.5, '-Infinity', 'NaN', 65504] })
  t.deepEqual(results.b_out, { type: 'bool', dims: [3], data: [true, false, true] })
  t.deepEqual(results.e_out, { type: 'float32', dims: [0, 3], data: [] })
  const again = Object.entries(results).map(([name, value]) => [name.replace('_out', ''), value])
  writeFileSync(at('again.json'), JSON.stringify(Object.fromEntries(again)))
  t.is((await onnsight(['run', file, '--json', '--inputs', at('again.json')])).stdout, stdout)

  for (const [input, reason] of [
    ['i=[9007199254740993]', /beyond 2\^53/],
    ['i=[1.5]', /1\.5 is not an integer, and int64 is needed/],
    ['i=["one"]', /The text "one" is not a number, and int64 is needed/],
    ['b=[2]', /2 is not a bool/],
    ['h=[[1], [2, 3]]', /ragged/],
    ['i={"type": "int32", "data": [1]}', /type is int32, but the model takes int64/],
    ['e={"dims": [1, 3], "data": []}', /states dims \[1,3\]/],
  ] as const) {
    const { code, stdout, stderr } = await onnsight(['run', file, ...inputs.slice(0, 0), '--input', input])
    t.is(code, 1, input)
    t.is(stdout, '')
    t.regex(stderr, reason)
    t.regex(stderr, /\n {2}Do this: /)
  }
})

test('a wrong command line exits with code 2 before any file is opened', async t => {
  for (const [args, reason] of [
    [['--input', 'input_ids=[[1, 2]'], /not valid JSON/],
    [['--input', 'input_ids=ids.txt'], /neither a known kind of file nor JSON/],
    [['--input', 'input_ids=1', '--input', 'input_ids=2'], /passed twice/],
    [['--inputs', 'ids.npy'], /has no name/],
    [['--output', 'out.csv'], /ending decides the format/],
    [['--template', 'x', '--template-file', 'y'], /cannot be used with/],
    [['--time-limit', '-1'], /Pass a number of seconds/],
    [['--threads', '0'], /whole number/],
    [['--provider', 'tpu'], /Allowed choices are cpu, cuda/],
  ] as const) {
    const { code, stdout, stderr } = await onnsight(['run', 'nowhere.onnx', ...args])
    t.is(code, 2, args.join(' '))
    t.is(stdout, '')
    t.regex(stderr, reason)
    t.regex(stderr, /Do this: /)
    t.notRegex(stderr, /nowhere\.onnx/)
  }
})

test('errors in files, inputs and templates exit with code 1 and one message', async t => {
  writeFileSync(at('float.npy'), Buffer.concat(npyParts('x', tensor([[1, 2]]))))
  writeFileSync(at('bad.json'), '[1,')
  writeFileSync(at('bad.npy'), 'PK')
  mkdirSync(at('folder.npy'))
  const inputArgs = ['--input', 'input_ids=[[1, 2]]']
  for (const [args, reason] of [
    [[], /No inputs were given|input_ids is missing[\s\S]*input_ids: int64 \[batch, sequence\]/],
    [['--input', 'inputs_ids=[[1]]'], /no input inputs_ids\. Did you mean input_ids\?/],
    [
      ['--input', `input_ids=${at('float.npy')}`],
      /is float32, but the model takes int64\.\n {2}Do this: pass it as int64/,
    ],
    [['--input', 'input_ids=gone.npy'], /There is no file gone\.npy/],
    [['--input', `input_ids=${at('bad.json')}`], /bad\.json is not valid JSON/],
    [['--input', `input_ids=${at('bad.npy')}`], /can't be used as a \.npy file/],
    [['--input', `input_ids=${at('folder.npy')}`], /folder\.npy can't be read: it is a folder/],
    [['--input', 'input_ids=[1, 2]'], /but must have 2/],
    [[...inputArgs, '--template-file', 'gone.txt'], /gone\.txt can't be read/],
    [[...inputArgs, '--template', 'save x = lm_haed.output'], /lm_haed[\s\S]*<template>:1:10/],
    [[...inputArgs, '--template', 'save x = ('], /can't be read[\s\S]*<template>:1:/],
    [
      [...inputArgs, '--output', at('two.npy'), '--template', 'save a = 1; save b = 2'],
      /holds one array, but there are 2/,
    ],
    [[...inputArgs, '--output', '/dev/null/x.json'], /can't be written/],
  ] as const) {
    const { code, stdout, stderr } = await run(...args)
    t.is(code, 1, `${args.join(' ')}\n${stderr}`)
    t.is(stdout, '')
    t.regex(stderr, reason)
    t.regex(stderr, /\n {2}Do this: /)
    t.notRegex(stderr, /\n\s+at .*js/)
  }
})

test('the output file is replaced only when the new one is complete; if the run fails, it stays', async t => {
  const own = at('atomic')
  mkdirSync(own)
  writeFileSync(join(own, 'out.json'), 'before')
  symlinkSync(join(own, 'out.json'), join(own, 'link.json'))
  const failed = await run('--input', '[[1, 99]]', '--output', join(own, 'out.json'))
  t.is(failed.code, 1)
  t.is(readFileSync(join(own, 'out.json'), 'utf8'), 'before')
  t.is((await run('--input', '[[1, 2]]', '--output', join(own, 'link.json'))).code, 0)
  t.regex(readFileSync(join(own, 'out.json'), 'utf8'), /^\{"logits":/)
  t.deepEqual(readdirSync(own).sort(), ['link.json', 'out.json'])
  const words = await run(
    '--input',
    '[[1, 2]]',
    '--output',
    join(own, 'out.json'),
    '--template',
    'stop\nsave x = nothing',
  )
  t.is(words.code, 0, words.stderr)
  mkdirSync(join(own, 'folder.json'))
  t.regex((await run('--input', '[[1, 2]]', '--output', join(own, 'folder.json'))).stderr, /exists, but is not a file/)
})

test('--time-limit ends a run that takes longer', async t => {
  const loop = 'x = lm_head.output\nfor i in 0:100\n  x = x @ x.mT @ x / 100\nsave x = x'
  const { code, stdout, stderr } = await run('--input', '[[1, 2, 3]]', '--time-limit', '0.001', '--template', loop)
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /took longer than its limit of 1 ms/)
})

test('an .arrow file without apache-arrow: the error says how to install it before the model runs', async t => {
  // The same program, where no node_modules has apache-arrow.
  const alone = at('alone')
  mkdirSync(join(alone, 'node_modules'), { recursive: true })
  for (const name of readdirSync('node_modules')) {
    if (name !== 'apache-arrow' && !name.startsWith('.'))
      symlinkSync(resolve('node_modules', name), join(alone, 'node_modules', name))
  }
  symlinkSync(resolve('dist'), join(alone, 'dist'))
  symlinkSync(resolve('package.json'), join(alone, 'package.json'))
  const { code, stderr } = await onnsight(['run', resolve(chars), '--input', '[[1]]', '--output', at('x.arrow')], {
    env: { NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main' },
    binary: join(alone, 'dist/cli/onnsight.js'),
  })
  t.is(code, 1)
  t.regex(stderr, /apache-arrow, which is not installed\.\n {2}Do this: npm install apache-arrow/)
  t.false(existsSync(at('x.arrow')))
})
