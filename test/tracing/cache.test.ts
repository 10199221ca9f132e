import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Cache, load, type Model, type OnnsightError, readSafetensors, type Tensor } from 'onnsight'
import { cache, skip, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
const folder = mkdtempSync(join(tmpdir(), 'onnsight-cache-'))
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(async () => {
  await model?.release()
  rmSync(folder, { recursive: true })
})

const numbers = (value: Tensor | undefined): number[] => Array.from((value as Tensor).data as Float32Array)

test('a cache holds every module’s activation after all writes, those below it in the block too', async t => {
  const acts = await trace(model, inputs, () => {
    const all = cache({ inputs: true })
    model.transformer.h[1].mlp.output = 0
    return all
  })
  const direct = await trace(model, inputs, () => {
    model.transformer.h[1].mlp.output = 0
    return Object.fromEntries(
      ['transformer.h.0', 'transformer.h.1.mlp', 'transformer.h.2.attn', 'transformer.ln_f', 'lm_head'].map(path => [
        path,
        [model.module(path).input, model.module(path).output],
      ]),
    )
  })
  for (const [path, [input, output]] of Object.entries(direct)) {
    t.true(near(acts.get(path).output, output), path)
    t.true(near(acts.get(path).input, input), path)
  }
  t.true(numbers(acts.get(model.transformer.h[1].mlp).output).every(value => value === 0))
  t.true(acts.paths.length > 30)
  t.is(acts.get('transformer.h[0].attn'), acts.get('transformer.h.0.attn'))
})

test('modules are chosen by themselves, by path, and by a question of their paths; a list means its layers', async t => {
  const paths = async (modules: Parameters<typeof cache>[0]): Promise<string[]> =>
    (await model.trace(inputs, () => cache(modules))).paths
  const layers = [0, 1, 2, 3].map(i => `transformer.h.${i}`)
  t.deepEqual(await paths({ modules: model.transformer.h }), layers)
  t.deepEqual(await paths({ modules: 'transformer.h' }), layers)
  t.deepEqual(await paths({ modules: [model.lm_head, 'transformer.h[2].attn'] }), ['transformer.h.2.attn', 'lm_head'])
  t.deepEqual(
    await paths({ where: path => path.endsWith('.mlp') }),
    layers.map(path => `${path}.mlp`),
  )
  const error = (await t.throwsAsync(paths({ modules: 'transformer.hh' }))) as OnnsightError
  t.is(error.code, 'unknown-module')
})

test('skipped modules are left out', async t => {
  const acts = await trace(model, inputs, () => {
    skip(model.transformer.h[2])
    return cache()
  })
  t.true(acts.has('transformer.h.2'))
  t.false(acts.has('transformer.h.2.mlp'))
  t.true(acts.has('transformer.h.3.mlp'))
  const error = t.throws(() => acts.get('transformer.h.2.mlp')) as OnnsightError
  t.is(error.code, 'unknown-name')
})

test('a cache goes to a file, and is read from there', async t => {
  const file = join(folder, 'acts.safetensors')
  const [acts, output] = await trace(model, inputs, () => {
    const written: Cache = cache({ modules: model.transformer.h, inputs: true, file })
    return [written, model.transformer.h[3].output] as const
  })
  t.deepEqual(acts.paths, [])
  const read = await readSafetensors(file)
  t.deepEqual(Object.keys(read).length, 8)
  t.true(near(read['transformer.h.3.output'], output))
  t.deepEqual([...read['transformer.h.0.input'].dims], [1, 4, 128])
})

test('too much is refused before anything runs, and nothing is written', async t => {
  const file = join(folder, 'never.safetensors')
  const { traces } = await model.explain(async () => {
    const error = (await t.throwsAsync(model.trace(inputs, () => cache({ maxBytes: 1000, file })))) as OnnsightError
    t.is(error.code, 'cache-too-large')
    t.regex(error.message, /would hold \d.*at most 0\.001 MiB.*The largest values are /)
  })
  t.deepEqual(traces, [])
  t.false(existsSync(file))
})

test('a model with a module that is called model: both are kept, in memory and in a file', async t => {
  const verse = await load('test/fixtures/models/verse/onnx/model.onnx')
  const file = join(folder, 'verse.safetensors')
  const [acts, hidden, logits] = await verse.trace([[5, 6, 7]], m => [cache(), m.model.norm.output, m.lm_head.output])
  await verse.trace([[5, 6, 7]], () => cache({ file }))
  const whole = acts.get(verse)
  const [own] = [whole.output, whole.outputs?.logits].filter(value => value !== undefined)
  t.deepEqual(numbers(own), numbers(logits))
  const inner = acts.get(verse.model)
  t.true(inner !== whole)
  const read = await readSafetensors(file)
  if (inner.output) t.deepEqual(numbers(inner.output), numbers(read['model.output']))
  t.deepEqual(numbers(read['model.norm.output']), numbers(hidden))
  const ofRoot = Object.keys(read).filter(name => /^outputs?\b/.test(name))
  t.true(ofRoot.length > 0)
  await verse.release()
})

test('two caches of one trace, session or generation can’t write the same file', async t => {
  const file = join(folder, 'twice.safetensors')
  const twice = { code: 'trace-arguments', message: /would overwrite/ }
  await t.throwsAsync(
    model.trace(inputs, m => [cache({ file, modules: m.lm_head }), cache({ file, modules: m.transformer.h })]),
    twice,
  )
  t.false(existsSync(file))
  await t.throwsAsync(
    model.session(async m => {
      await m.trace(inputs, () => cache({ file, modules: m.lm_head }))
      await m.trace(inputs, () => cache({ file, modules: m.lm_head }))
    }),
    twice,
  )
  await t.throwsAsync(
    model.generate([[18, 47]], { maxNewTokens: 2 }, m => cache({ file, modules: m.lm_head })),
    twice,
  )
  await model.generate([[18, 47]], { maxNewTokens: 2 }, (m, step) =>
    cache({ file: join(folder, `step-${step}.safetensors`), modules: m.lm_head }),
  )
  t.true(existsSync(join(folder, 'step-1.safetensors')))
  // One trace after another writes the file anew.
  await model.trace(inputs, m => cache({ file, modules: m.lm_head }))
  await model.trace(inputs, m => cache({ file, modules: m.transformer.h }))
  t.is(Object.keys(await readSafetensors(file)).length, 4)
})

test('what is no module is not taken for the model', async t => {
  const acts = await model.trace(inputs, () => cache())
  for (const wrong of [{}, 5, acts] as never[]) t.throws(() => acts.get(wrong), { code: 'unknown-name' })
})

test('an older cache is not changed by a later trace', async t => {
  const first = await model.trace(inputs, () => cache({ modules: model.transformer.h }))
  const before = numbers(first.get('transformer.h.1').output)
  const second = await trace(model, inputs, () => {
    model.transformer.h[0].output = 0
    return cache({ modules: model.transformer.h })
  })
  t.notDeepEqual(numbers(second.get('transformer.h.1').output), before)
  t.deepEqual(numbers(first.get('transformer.h.1').output), before)
  t.throws(() => Object.assign(first.get('transformer.h.1'), { output: undefined }))
})

test('outside a trace it says where it belongs', t => {
  const error = t.throws(() => cache()) as OnnsightError
  t.is(error.code, 'save')
})
