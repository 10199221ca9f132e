import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { onnsight } from '../cli/spawn.ts'
import { Spoilt, scaled } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-reduce-test-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const MODEL = 'test/fixtures/models/induction.onnx'
const INPUT = ['--input', 'input_ids=[[1, 2, 3, 1, 2]]']
const operators = (path: string): string[] =>
  fromBinary(ModelProtoSchema, readFileSync(path))
    .graph!.node.map(({ opType }) => opType)
    .filter(opType => opType !== 'Constant')

/** Ends with 7 if the model has a Softmax and a Transpose. */
const check = join(folder, 'check.cjs')
writeFileSync(
  check,
  `const [, , model, inputs] = process.argv
JSON.parse(require('node:fs').readFileSync(inputs, 'utf8'))
import(${JSON.stringify(pathToFileURL('dist/runtime/onnx/reading/read.js').href)}).then(async ({ readModel }) => {
  const operators = (await readModel(model)).message.graph.node.map(({ opType }) => opType)
  process.exit(operators.includes('Softmax') && operators.includes('Transpose') ? 7 : 0)
})`,
)
/** The command of the page, which ends with 1 if an output has NaN. */
const findsNan = join(folder, 'nan.cjs')
const [, shown] = /```js\n(\/\/ check\.cjs[\s\S]*?)```/.exec(readFileSync('docs/command-line.md', 'utf8'))!
writeFileSync(findsNan, shown)

const command = `"${process.execPath}" "${check}" {model} {inputs}`

test.serial('the smallest part that still fails is left, and runs without onnsight', async t => {
  const output = join(folder, 'fault')
  const { code, stdout, stderr } = await onnsight(['reduce', MODEL, ...INPUT, '--command', command, '--output', output])
  t.is(code, 0, stderr)
  t.regex(stdout, /^2 of \d+ nodes still fail, after \d+ tries/)
  t.deepEqual(operators(join(output, 'model.onnx')).sort(), ['Softmax', 'Transpose'])
  t.deepEqual(readdirSync(output).sort(), ['inputs.json', 'model.onnx', 'run.cjs', 'versions.json'])
  t.is(spawnSync(process.execPath, [check, join(output, 'model.onnx'), join(output, 'inputs.json')]).status, 7)
  t.true(readFileSync(join(output, 'run.cjs'), 'utf8').split('\n').length <= 15)
  // The script stands beside an installed onnxruntime-node, as in a report.
  const { status, stdout: printed } = spawnSync(process.execPath, [join(output, 'run.cjs')], {
    encoding: 'utf8',
    env: { ...process.env, NODE_PATH: join(process.cwd(), 'node_modules') },
  })
  t.is(status, 0)
  t.regex(printed, /Tensor/)
})

test.serial('NaN is reduced to where it is made, and not to a node that passes it on', async t => {
  const model = new Spoilt(MODEL)
  // Scores of infinity, of which the softmax makes NaN.
  model.matrix('/transformer/h.1/attn/c_attn/Gemm', scaled(1e25))
  model.save(join(folder, 'nan.onnx'))
  const output = join(folder, 'nan')
  const args = ['--command', `node ${JSON.stringify(findsNan)} {model} {inputs}`, '--output', output]
  const { code, stderr } = await onnsight(['reduce', join(folder, 'nan.onnx'), ...INPUT, ...args], {
    env: { NODE_PATH: join(process.cwd(), 'node_modules') },
  })
  t.is(code, 0, stderr)
  const left = operators(join(output, 'model.onnx'))
  t.true(left.includes('MatMul') && left.includes('Softmax'), left.join())
  t.true(left.length < 12, left.join())
  const inputs = JSON.parse(readFileSync(join(output, 'inputs.json'), 'utf8')) as Record<
    string,
    { readonly type: string; readonly base64: string }
  >
  for (const [name, { type, base64 }] of Object.entries(inputs)) {
    if (type !== 'float32') continue
    const values = new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer)
    t.true(
      values.every(value => value < Number.POSITIVE_INFINITY),
      name,
    )
  }
})

test.serial('two settings with different outputs are reduced to the node that makes them differ', async t => {
  // An onnxruntime that is wrong where there is a Softmax: it does not optimise, and adds 1 to all floats.
  const runtime = join(folder, 'wrong')
  mkdirSync(runtime)
  const installed = createRequire(import.meta.url).resolve('onnxruntime-node')
  writeFileSync(
    join(runtime, 'index.js'),
    `const ort = require(${JSON.stringify(installed)})
const create = ort.InferenceSession.create
module.exports = { ...ort, env: ort.env, Tensor: ort.Tensor, InferenceSession: { async create(bytes, options) {
  const session = await create.call(ort.InferenceSession, bytes, options)
  if (!Buffer.from(bytes).includes('Softmax')) return session
  const run = session.run.bind(session)
  return Object.assign(session, { run: async (...given) => {
    const results = await run(...given)
    for (const { type, data } of Object.values(results)) if (type === 'float32') data.forEach((value, i) => { data[i] = value + 1 })
    return results
  } })
} } }`,
  )
  const output = join(folder, 'settings')
  const args = ['reduce', MODEL, ...INPUT, '--set-b', `runtime=${runtime}`, '--output', output]
  const { code, stderr } = await onnsight(args)
  t.is(code, 0, stderr)
  t.deepEqual(operators(join(output, 'model.onnx')), ['Softmax'])
  t.regex(readFileSync(join(output, 'versions.json'), 'utf8'), /"runtime"/)
})

test.serial('Ctrl-C writes the smallest part so far', async t => {
  const output = join(folder, 'interrupted')
  const slow = join(folder, 'slow.cjs')
  writeFileSync(slow, 'setTimeout(() => process.exit(3), 100)')
  const child = spawn(process.execPath, [
    'dist/cli/onnsight.js',
    ...['reduce', MODEL, ...INPUT, '--command', `"${process.execPath}" "${slow}" {model}`, '--output', output],
  ])
  const ended = new Promise<number | null>(done => child.on('exit', done))
  await new Promise(done => child.stderr.once('data', done))
  child.kill('SIGINT')
  t.is(await ended, 130)
  t.true(existsSync(join(output, 'model.onnx')))
})

test('a model that does not fail: how much its outputs differ, or how the command ended', async t => {
  const reduced = async (...args: readonly string[]) =>
    (await onnsight(['reduce', MODEL, ...INPUT, ...args, '--output', join(folder, 'none')])).stderr
  const settings = ['--set-a', 'optimization=disabled', '--set-b', 'optimization=all', '--error-above', '0.5']
  t.regex(await reduced(...settings), /the outputs differ by \d\S* of their length, and --error-above is 0\.5/)
  t.regex(await reduced('--command', 'true {model}'), /the command ended with exit code 0/)
  t.false(existsSync(join(folder, 'none')))
})

for (const [what, code, args] of [
  ['a model that does not fail', 1, ['--command', 'true {model}', '--output', join(folder, 'none')]],
  ['a folder that is not empty', 1, ['--command', command, '--output', 'test']],
  ['nothing that fails', 2, ['--output', join(folder, 'none')]],
  ['both a command and settings', 2, ['--command', command, '--set-b', 'threads=1', '--output', join(folder, 'none')]],
  ['a command without the model', 2, ['--command', 'false', '--output', join(folder, 'none')]],
] as const)
  test(`${what}: exit code ${code}`, async t => {
    const { code: exit, stderr } = await onnsight(['reduce', MODEL, ...args])
    t.is(exit, code, stderr)
    t.regex(stderr, /Do this: /)
    t.false(existsSync(join(folder, 'none')))
  })
