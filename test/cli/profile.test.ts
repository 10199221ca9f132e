import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type OnnsightError, WorkerBackend } from 'onnsight'
import type { Profile } from '#dist/cli/profile/profile.js'
import { graph, ints, model as modelOf, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { onnsight } from './spawn.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-profile-test-'))
test.after.always(() => rmSync(folder, { recursive: true }))
let folders = 0

const chars = 'test/fixtures/models/chars.onnx'

/** The files of onnsight in a temporary folder; onnxruntime has files there too. */
const leftIn = (temporary: string): string[] => readdirSync(temporary).filter(name => name.startsWith('onnsight'))

/** Runs `onnsight profile --json`, and checks that it leaves no file in its temporary folder. */
async function profile(file: string, ...args: string[]): Promise<Profile> {
  const temporary = join(folder, String(folders++))
  mkdirSync(temporary)
  const { code, stdout, stderr } = await onnsight(['profile', file, '--json', ...args], { env: { TMPDIR: temporary } })
  if (code !== 0) throw new Error(stderr)
  if (stderr !== '') throw new Error(`On stderr: ${stderr}`)
  if (leftIn(temporary).length > 0) throw new Error(`Left behind: ${leftIn(temporary).join()}`)
  return JSON.parse(stdout) as Profile
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Whether two numbers are equal up to rounding. */
const isSame = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a))

const square = value('v', OnnxType.FLOAT, [48, 48])
const loopBody = graph({
  inputs: [value('i', OnnxType.INT64, []), value('going', OnnxType.BOOL, []), square],
  nodes: [
    node('Identity', ['going'], ['goes_on'], {}, '/stack/body/Identity'),
    node('MatMul', ['v', 'v'], ['vv'], {}, '/stack/body/MatMul'),
    node('Tanh', ['vv'], ['v_out'], {}, '/stack/body/Tanh'),
  ],
  outputs: [value('goes_on', OnnxType.BOOL, []), value('v_out', OnnxType.FLOAT, [48, 48])],
})
const loop = saved(
  modelOf(
    graph({
      inputs: [value('x', OnnxType.FLOAT, [48, 48])],
      initializers: [ints('times', [], [200])],
      nodes: [
        node('Sqrt', ['x'], ['root'], {}, '/first/Sqrt'),
        node('Loop', ['times', '', 'root'], ['y'], { body: loopBody }, '/stack/Loop'),
        node('Neg', ['y'], ['z'], {}, '/last/Neg'),
      ],
      outputs: [value('z', OnnxType.FLOAT, [48, 48])],
    }),
  ),
)

for (const [name, file, args] of [
  ['chars', chars, []],
  ['half precision', 'test/fixtures/models/chars-fp16.onnx', []],
  ['bert', 'test/fixtures/names/bert.onnx', []],
  ['rotary', 'test/fixtures/batch/rotary.onnx', []],
  ['resnet', 'test/fixtures/names/resnet.onnx', []],
  ['functions', 'test/fixtures/functions/functions.onnx', []],
  ['a merged decoder', 'test/fixtures/models/chars-cache.onnx', []],
  ['a loop', loop, []],
] as const) {
  test(`${name}: modules, operations and nodes have the same sum, and it is within the run`, async t => {
    const found = await profile(file, '--runs', '3', ...args)
    const { totalMs, modules, operations, nodes, wallMs, runs } = found
    t.is(runs, 3)
    t.is(wallMs.length, 3)
    t.true(totalMs > 0)
    t.true(totalMs <= sum(wallMs) / 3, `${totalMs} of ${wallMs.join()}`)
    for (const [what, values] of Object.entries({
      modules: modules.map(({ ownMs }) => ownMs),
      operations: operations.map(({ totalMs }) => totalMs),
      nodes: nodes.map(({ totalMs }) => totalMs),
    }))
      t.true(isSame(sum(values), totalMs), `${what}: ${sum(values)} of ${totalMs}`)
    t.true(isSame(sum(operations.map(({ percent }) => percent)), 100))
    t.true(nodes.every(({ totalMs }) => totalMs >= 0))
    const calls = sum(nodes.map(({ calls }) => calls))
    t.is(modules[0].calls, calls)
    t.true(isSame(modules[0].totalMs, totalMs))
    // A module is its own nodes and its children.
    for (const { path, totalMs, ownMs } of modules) {
      const depth = path === '' ? 1 : path.split('.').length + 1
      const children = modules.filter(
        other =>
          other.path !== '' &&
          (path === '' || other.path.startsWith(`${path}.`)) &&
          other.path.split('.').length === depth,
      )
      t.true(isSame(totalMs, ownMs + sum(children.map(child => child.totalMs))), path)
      const own = nodes.filter(node => node.module === path)
      t.true(isSame(ownMs, sum(own.map(node => node.totalMs))), path)
    }
  })
}

/** The modules in which an operation ran. */
const modulesOf = ({ nodes }: Profile, operation: string): string[] =>
  nodes
    .filter(node => node.operation === operation)
    .map(({ module }) => module)
    .sort()

const layers = ['0', '1', '2', '3']

test('a fused operation counts in the module that its result leaves', async t => {
  const found = await profile(chars, '--runs', '1')
  const h = (...names: string[]) => names.flatMap(name => layers.map(layer => `transformer.h.${layer}.${name}`)).sort()
  t.deepEqual(modulesOf(found, 'LayerNormalization'), [...h('ln_1', 'ln_2'), 'transformer.ln_f'].sort())
  t.deepEqual(modulesOf(found, 'Gemm'), h('attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'))
  t.deepEqual(modulesOf(found, 'Softmax'), h('attn'))
  const [gelu] = found.operations.filter(({ operation }) => /Gelu/.test(operation))
  t.deepEqual(modulesOf(found, gelu.operation), h('mlp.act'))

  const bert = await profile('test/fixtures/names/bert.onnx', '--runs', '1')
  t.true(modulesOf(bert, 'Gelu').every(module => module.endsWith('.intermediate') || module.includes('intermediate.')))
  t.true(modulesOf(bert, 'SkipLayerNormalization').every(module => module.endsWith('LayerNorm')))

  const resnet = await profile('test/fixtures/names/resnet.onnx', '--runs', '1')
  t.deepEqual(modulesOf(resnet, 'Conv'), [
    'layer1.0.conv2',
    'layer1.0.relu',
    'layer2.0.conv2',
    'layer2.0.downsample.0',
    'layer2.0.relu',
    'stem',
  ])
})

test('operations that onnxruntime adds without a name are assigned to a module too', async t => {
  const found = await profile('test/fixtures/models/chars-fp16.onnx', '--runs', '2')
  // On the CPU it takes a float16 softmax apart.
  t.deepEqual(
    modulesOf(found, 'ReduceMax'),
    layers.map(layer => `transformer.h.${layer}.attn`),
  )
  t.true(found.nodes.filter(({ operation }) => operation === 'Exp').every(({ calls }) => calls === 1))
})

test('nodes in the body of a loop count once, in the module of the loop', async t => {
  const found = await profile(loop, '--runs', '2')
  const inner = found.nodes.filter(({ operation }) => operation === 'MatMul')
  t.deepEqual(
    inner.map(({ name, module, calls }) => ({ name, module, calls })),
    [{ name: '/stack/body/MatMul', module: 'stack', calls: 200 }],
  )
  const stack = found.modules.find(({ path }) => path === 'stack')!
  t.true(stack.percent > 50)
})

test('inputs that are not passed are generated, and the output says with which values', async t => {
  const { inputs } = await profile('test/fixtures/batch/bert.onnx', '--runs', '1', '--dim', 'sequence=4')
  t.true(inputs.length > 1)
  for (const { name, dims, made } of inputs) {
    t.is(made, /mask/.test(name) ? 'ones' : 'zeros', name)
    t.true(dims.includes(4), `${name} ${dims}`)
  }
  const given = await profile(chars, '--runs', '1', '--input', 'input_ids=[[1, 2, 3]]')
  t.deepEqual(given.inputs, [{ name: 'input_ids', type: 'int64', dims: [1, 3] }])
  const usual = await profile(chars, '--runs', '1')
  t.deepEqual(usual.inputs, [{ name: 'input_ids', type: 'int64', dims: [1, 16], made: 'zeros' }])
  const sized = await profile(chars, '--runs', '1', '--dim', 'batch=3', '--dim', 'sequence=5')
  t.deepEqual(sized.inputs[0].dims, [3, 5])
})

const summed = saved(
  modelOf(
    graph({
      inputs: [
        value('ids', OnnxType.FLOAT, ['batch_size', 'sequence']),
        value('past', OnnxType.FLOAT, ['batch_size', 'past']),
        value('attention_mask', OnnxType.FLOAT, ['batch_size', 'past + sequence']),
        value('position_ids', OnnxType.INT64, ['batch_size', 'sequence']),
      ],
      nodes: [
        node('Concat', ['past', 'ids'], ['all'], { axis: 1 }, '/a/Concat'),
        node('Mul', ['all', 'attention_mask'], ['y'], {}, '/b/Mul'),
        node('Neg', ['position_ids'], ['p'], {}, '/b/Neg'),
      ],
      outputs: [
        value('y', OnnxType.FLOAT, ['batch_size', 'all']),
        value('p', OnnxType.INT64, ['batch_size', 'sequence']),
      ],
    }),
  ),
)

test('generated inputs take their dims from passed inputs; a dim named as a sum is computed from its terms', async t => {
  const { inputs } = await profile(summed, '--runs', '1', '--input', 'ids=[[1, 2, 3], [4, 5, 6]]', '--dim', 'past=7')
  const shapes = Object.fromEntries(inputs.map(({ name, dims, made }) => [name, [dims, made]]))
  t.deepEqual(shapes, {
    ids: [[2, 3], undefined],
    past: [[2, 7], 'random'],
    attention_mask: [[2, 10], 'ones'],
    position_ids: [[2, 3], 'positions'],
  })
})

test('inputs larger than a gigabyte are not generated', async t => {
  const { code, stderr } = await onnsight([
    'profile',
    'test/fixtures/exported/yolo/classic+qoperator/model.onnx',
    ...['--dim', 'height=16000', '--dim', 'width=16000'],
  ])
  t.is(code, 1)
  t.regex(stderr, /images with the dims \[1, 3, 16000, 16000\] would take 3\.1 GB/)
  t.regex(stderr, /Do this: choose smaller sizes \(--dim\), or pass the input: --input images=/)
})

test('wrong dims and counts are errors', async t => {
  for (const [args, exit, reason] of [
    [
      ['--dim', 'seq=4'],
      1,
      /no generated input has a dim of this name\.\n {2}Do this: use one of their dims: batch, sequence/,
    ],
    [['--dim', 'batch=2', '--input', 'input_ids=[[1]]'], 1, /in the inputs that you pass, this dim is 1/],
    [['--dim', 'batch'], 2, /Pass a name and a whole number/],
    [['--dim', 'batch=1', '--dim', 'batch=2'], 2, /passed twice/],
    [['--runs', '0'], 2, /whole number of 1 or more/],
    [['--sort', 'name'], 2, /Allowed choices are model, time, calls/],
  ] as const) {
    const temporary = join(folder, String(folders++))
    mkdirSync(temporary)
    const { code, stdout, stderr } = await onnsight(['profile', chars, ...args], { env: { TMPDIR: temporary } })
    t.is(code, exit, stderr)
    t.is(stdout, '')
    t.regex(stderr, reason)
    t.deepEqual(leftIn(temporary), [])
  }
})

test('as text: --depth limits the tree of modules, and --sort orders it', async t => {
  const shown = async (...args: string[]) => (await onnsight(['profile', chars, '--runs', '2', ...args])).stdout
  const all = await shown('--depth', '9')
  t.regex(
    all,
    /^test\/fixtures\/models\/chars\.onnx on cpu: 2 runs of [\d.]+ ms \(the shortest [\d.]+ ms\), [\d.]+ ms of them in operations\n/,
  )
  t.regex(all, /\ninputs\n {2}input_ids: int64 \[1, 16\], generated: zeros\n/)
  t.regex(all, / 100\.0 +\d+ {2}model\n/)
  t.regex(all, / {10}mlp\n.* {12}c_fc\n/)
  t.regex(all, /\n +time ms +% +calls {2}operation\n +[\d.]+ +[\d.]+ +\d+ {2}\w+\n/)
  const flat = await shown('--depth', '2', '--sort', 'time')
  t.notRegex(flat, /c_fc|attn/)
  t.regex(flat, / {4}h\n/)
  const order = [...(await shown('--depth', '3', '--sort', 'time')).matchAll(/^ +([\d.]+) .* {8}\d$/gm)].map(([, ms]) =>
    Number(ms),
  )
  t.is(order.length, 4)
  t.deepEqual(
    order,
    [...order].sort((a, b) => b - a),
  )
})

test('profileFolder: each session that runs the model writes its profile there, and results are the same', async t => {
  const target = join(folder, 'made/by/load')
  const plain = await load(chars, { groupBytes: 0 })
  const expected = (await plain.run([[1, 2, 3]])).logits
  const model = await load(chars, { groupBytes: 0, profileFolder: target })
  t.deepEqual((await model.run([[1, 2, 3]])).logits.data, expected.data)
  await model.release()
  const files = readdirSync(target)
  t.is(files.filter(name => name.endsWith('.onnx')).length, plain.engine.blocks.length)
  const profiles = files.filter(name => name.endsWith('.json'))
  t.is(profiles.length, plain.engine.blocks.length)
  for (const name of profiles) {
    const events = JSON.parse(readFileSync(join(target, name), 'utf8')) as { name: string }[]
    t.is(events.filter(event => event.name === 'model_run').length, 1)
  }
  await plain.release()
  const error = (await t.throwsAsync(load(chars, { profileFolder: '' }))) as OnnsightError
  t.is(error.code, 'load-option')
})

test('profileFolder: a worker and a second model write their profiles there too', async t => {
  const target = join(folder, 'of-two-processes')
  const model = await load(chars, { groupBytes: 0, profileFolder: target })
  const backend = new WorkerBackend()
  const here = await model.trace([[1, 2, 3]], m => m.lm_head.output)
  const there = await model.trace([[1, 2, 3]], { backend }, m => m.lm_head.output)
  t.deepEqual(there.data, here.data)
  const [pid] = backend.pids
  await model.release()
  backend.release()
  // The worker ends when it has written its profiles.
  while (isRunning(pid)) await new Promise(resolve => setTimeout(resolve, 20))
  const again = await load(chars, { groupBytes: 0, profileFolder: target })
  await again.run([[1, 2, 3]])
  await again.release()
  const names = readdirSync(target)
  const graphs = names.filter(name => name.endsWith('.onnx'))
  const profiles = names.filter(name => name.endsWith('.json'))
  t.is(graphs.length, 3 * again.engine.blocks.length)
  t.is(profiles.length, graphs.length)
  const runs = profiles.map(name => {
    const events = JSON.parse(readFileSync(join(target, name), 'utf8')) as { name: string }[]
    return events.filter(event => event.name === 'model_run').length
  })
  t.deepEqual(new Set(runs), new Set([1]))
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
