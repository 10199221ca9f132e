import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load } from 'onnsight'
import { type ComparisonData, compare, type Way } from 'onnsight/compare'
import { ModelProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { onnsight } from '../cli/spawn.ts'
import { Spoilt } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-settings-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const VERSE = 'test/fixtures/models/verse/onnx/model.onnx'
const INDUCTION = 'test/fixtures/models/induction.onnx'
const ids = [[21, 347, 12, 90, 55, 601, 7, 33, 410, 18]]
const ways: readonly Way[] = ['batch', 'padded', 'cached']

test.serial('a right model answers the same on a batch, padded and with a cache', async t => {
  const model = await load(VERSE)
  for (const way of ways) {
    const found = await compare(model, model, ids, { way })
    t.true(Math.abs(found.output.mean) < 1e-6, `${way}: ${found.output.mean}`)
    t.is(found.culprit, null)
    t.true(found.modules.length > 40, `${way}: ${found.modules.length}`)
    t.true(found.models.b.endsWith(`(${way})`))
    for (const { module, error } of found.modules) t.true(error.relative < 1e-5, `${way}, ${module}: ${error.relative}`)
  }
  await model.release()
})

const faults: Readonly<
  Record<Way, { readonly what: string; readonly module: string; readonly spoil: (model: Spoilt) => void }>
> = {
  batch: {
    what: 'a layer that mixes the rows of a batch',
    module: 'model.layers.1.mlp.down_proj',
    spoil: model => {
      const output = '/model/layers.1/mlp/down_proj/MatMul_output_0'
      model.node('/model/layers.1/mlp/down_proj/MatMul').output[0] = 'own'
      for (const [name, value] of [
        ['start', -1],
        ['end', 1000],
        ['axis', 0],
      ] as const)
        model.integer(name, value)
      // The mean of each row and the last one, which is the row itself in a batch of one.
      const path = '/model/layers.1/mlp/down_proj'
      model.add({ name: `${path}/Slice`, opType: 'Slice', input: ['own', 'start', 'end', 'axis'], output: ['last'] })
      model.add({ name: `${path}/Mean`, opType: 'Mean', input: ['own', 'last'], output: [output] })
    },
  },
  padded: {
    what: 'a layer that sees the padding',
    module: 'model.layers.2.self_attn',
    spoil: model => {
      model.node('/model/layers.2/self_attn/Add_2').input[1] = '/model/Where_output_0'
    },
  },
  cached: {
    what: 'a layer with another cache',
    module: 'model.layers.2.self_attn',
    spoil: model => {
      model.node('/model/layers.2/self_attn/Concat_6').input[0] = 'past_key_values.2.key'
    },
  },
}

for (const way of ways)
  test.serial(`${faults[way].what} is found: ${way}`, async t => {
    const { module, spoil } = faults[way]
    const model = new Spoilt(VERSE)
    spoil(model)
    model.save(join(folder, `${way}.onnx`))
    const loaded = await load(join(folder, `${way}.onnx`))
    t.is((await compare(loaded, loaded, ids, { way })).culprit, module)
    await loaded.release()
  })

test.serial('a model that can not run in such a way is refused, as are other words for it', async t => {
  const model = await load(INDUCTION)
  await t.throwsAsync(compare(model, model, [[1, 2, 3]], { way: 'cached' }), {
    code: 'compare-inputs',
    message: /no cache/,
  })
  await t.throwsAsync(compare(model, model, [[1, 2, 3]], { way: 'padded' }), {
    code: 'compare-inputs',
    message: /padded/,
  })
  await t.throwsAsync(compare(model, model, [[1, 2, 3]], { way: 'other' as Way }), { code: 'argument' })
  await t.throwsAsync(compare(model, model, [[1, 2, 3]], { way: 'batch', keepFloat: 1 }), { code: 'argument' })
  await model.release()
})

test.serial('the optimisation level is that of the sessions that run the model', async t => {
  const nodes = async (optimization: 'disabled' | 'all'): Promise<number> => {
    const profileFolder = join(folder, optimization)
    const model = await load(INDUCTION, { optimization, profileFolder })
    await model.release()
    const [graph] = readdirSync(profileFolder).filter(name => name.endsWith('.onnx'))
    return fromBinary(ModelProtoSchema, readFileSync(join(profileFolder, graph))).graph!.node.length
  }
  t.true((await nodes('disabled')) > (await nodes('all')))
  await t.throwsAsync(load(INDUCTION, { optimization: 'some' as 'all' }), { code: 'load-option' })
})

test.serial('sessions of another onnxruntime run in a process of their own', async t => {
  // The installed one, in a package that says which process loads it.
  const runtime = join(folder, 'runtime')
  mkdirSync(runtime)
  const installed = createRequire(import.meta.url).resolve('onnxruntime-node')
  writeFileSync(
    join(runtime, 'index.js'),
    `require('node:fs').writeFileSync(__dirname + '/pid', String(process.pid))\nmodule.exports = require(${JSON.stringify(installed)})`,
  )
  const [a, b] = [await load(INDUCTION), await load(INDUCTION, { runtime })]
  const found = await compare(a, b, [[1, 2, 3, 1, 2]], { names: { b: 'other' } })
  const pid = Number(readFileSync(join(runtime, 'pid'), 'utf8'))
  t.not(pid, process.pid)
  t.is(found.output.mean, 0)
  t.is(found.models.b, 'other')
  await a.release()
  await b.release()
  for (let waited = 0; waited < 100 && isRunning(pid); waited++) await new Promise(done => setTimeout(done, 50))
  t.false(isRunning(pid))
  await t.throwsAsync(load(INDUCTION, { runtime: join(folder, 'nowhere') }), { code: 'missing-package' })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.serial('the command compares one file in two settings', async t => {
  const { code, stdout } = await onnsight(['compare', INDUCTION, '--set-b', 'optimization=disabled', '--json'])
  t.is(code, 0)
  const { models, output } = JSON.parse(stdout) as ComparisonData
  t.deepEqual(models, { a: INDUCTION, b: `${INDUCTION} (optimization=disabled)` })
  t.true(output.mean < 1e-6)
  const table = (await onnsight(['compare', INDUCTION, '--set-b', 'optimization=disabled'])).stdout
  t.regex(table, /rounding only/)
  t.notRegex(table, /\d% {2}|add up to/)
  for (const wrong of [[], ['--set-b', 'colour=red'], ['--set-b', 'threads=none'], ['--way', 'sideways']])
    t.is((await onnsight(['compare', INDUCTION, ...wrong])).code, 2)
  const without = await onnsight(['compare', INDUCTION, '--set-b', 'provider=cuda'])
  // A machine with a GPU compares.
  if (without.code === 0) return
  t.is(without.code, 1)
  t.regex(without.stderr, /can't use CUDA here[\s\S]*Do this: /)
})
