import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { load, type Model } from 'onnsight'
import { compare, saveMixed } from 'onnsight/compare'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-mixed-'))
const VERSE = 'test/fixtures/models/verse/onnx'
const ids = [[21, 347, 12, 90, 55, 601, 7, 33, 410, 18]]
const a = await load(`${VERSE}/model.onnx`)
const induction = await load('test/fixtures/models/induction.onnx')
test.after.always(async () => {
  await a.release()
  await induction.release()
  rmSync(folder, { recursive: true })
})

for (const build of ['int8', 'q4', 'fp16'])
  test.serial(
    `modules of the float model take their place in ${build}, and onnxruntime alone gives what was foretold`,
    async t => {
      const file = join(folder, `${build}.onnx`)
      const b = await load(`${VERSE}/model_${build}.onnx`)
      const found = await compare(a, b, ids, { keepFloat: 4 })
      const paths = found.keepFloat.map(({ module }) => module)
      t.is(paths.length, 4)
      const mixed = await saveMixed(a, b, paths, file, ids)
      await b.release()
      const due = found.keepFloat[3].error
      // The error of float16 is rounding, and another graph rounds otherwise.
      t.true(Math.abs(mixed.error - due) < 0.02 * due + (build === 'fp16' ? 1e-5 : 0), `${mixed.error} is not ${due}`)
      if (build !== 'fp16') t.true(mixed.error < 0.8 * found.output.mean, `${mixed.error} of ${found.output.mean}`)
      t.is(mixed.bytes, statSync(file).size)
      const grown = mixed.bytes - statSync(`${VERSE}/model_${build}.onnx`).size
      t.true(
        build === 'fp16' ||
          Math.abs(grown - found.keepFloat[3].bytes) < 0.1 * Math.abs(found.keepFloat[3].bytes) + 5000,
        `${grown}`,
      )
      // The file opens here too, with all modules of the quantised model.
      const opened = await load(file)
      for (const path of paths) t.truthy(opened.module(found.pairs.find(pair => pair.a === path)!.b))
      await opened.release()
    },
  )

test.serial('weights of both models in files of the same name: each module keeps its own', async t => {
  // Two models that differ in every matrix, as two builds in folders of their own.
  const saved: string[] = []
  for (const build of ['model', 'model_fp16']) {
    const from = await load(`${VERSE}/${build}.onnx`)
    const path = join(folder, `external-${build}`, 'model.onnx')
    mkdirSync(dirname(path))
    await from.save(path, { weights: 'external' })
    await from.release()
    saved.push(path)
  }
  const [first, second] = [await load(saved[0]), await load(saved[1])]
  const file = join(folder, 'external-mixed', 'mixed.onnx')
  mkdirSync(dirname(file))
  const module = 'model.layers.1.mlp.up_proj'
  await saveMixed(first, second, [module], file, ids)
  const mixed = await load(file)
  // The same from two models whose weights are in their own files.
  const plain = await load(`${VERSE}/model_fp16.onnx`)
  await saveMixed(a, plain, [module], join(folder, 'embedded-mixed.onnx'), ids)
  const due = await load(join(folder, 'embedded-mixed.onnx'))
  const run = async (model: Model) => (await model.run({ input_ids: ids })).logits
  t.deepEqual((await run(mixed)).data, (await run(due)).data)
  t.notDeepEqual((await run(mixed)).data, (await run(plain)).data)
  t.deepEqual(readdirSync(dirname(file)).sort(), ['mixed.onnx', 'model.onnx.data'])
  for (const model of [first, second, mixed, plain, due]) await model.release()
})

for (const format of ['qdq', 'qoperator'])
  test.serial(`what onnxruntime's tool quantised, ${format}, is paired, blamed and mended`, async t => {
    const tokens = [[1, 2, 3, 4, 5, 1, 2, 3, 4, 5]]
    const b = await load(`test/fixtures/compare/induction-${format}.onnx`)
    const found = await compare(induction, b, tokens, { keepFloat: 3 })
    // Quantised scores next to a mask of -10000 have no bits left: the attention itself is to blame, and not its matrices.
    const paths = found.keepFloat.map(({ module }) => module)
    t.deepEqual(paths.slice(0, 2), ['transformer.h.0.attn', 'transformer.h.1.attn'])
    for (const { module, made } of found.modules)
      t.true(made === null || made.relative < 0.05, `${module}: ${made?.relative}`)
    t.true(found.modules.filter(({ made }) => made).length >= 10)
    const mixed = await saveMixed(induction, b, paths, join(folder, `${format}.onnx`), tokens)
    const [, , { error: due }] = found.keepFloat
    t.true(Math.abs(mixed.error - due) < 0.05 * due, `${mixed.error} is not ${due}`)
    t.true(mixed.error < 0.01 * found.output.mean)
    await b.release()
  })

test.serial('what neural-compressor’s tool quantised is paired, blamed and mended', async t => {
  const tokens = [[1, 2, 3, 4, 5, 1, 2, 3, 4, 5]]
  const b = await load('test/fixtures/compare/induction-neural-compressor.onnx')
  const found = await compare(induction, b, tokens, { keepFloat: 2 })
  t.deepEqual(found.unpaired, { a: [], b: [] })
  t.is(found.blame[0].module, 'transformer.h.1.attn.c_attn')
  const paths = found.keepFloat.map(({ module }) => module)
  t.is(paths[0], 'transformer.h.1.attn.c_attn')
  const mixed = await saveMixed(induction, b, paths, join(folder, 'neural-compressor.onnx'), tokens)
  const [, { error: due }] = found.keepFloat
  t.true(Math.abs(mixed.error - due) < 0.05 * due, `${mixed.error} is not ${due}`)
  t.true(mixed.error < 0.5 * found.output.mean)
  await b.release()
})

test.serial('a module that is not there, or lies inside a fused operator, can not be saved', async t => {
  const b = await load('test/fixtures/compare/induction-qdq.onnx')
  const save = (module: string) => saveMixed(induction, b, [module], join(folder, 'no.onnx'), [[1, 2, 3]])
  await t.throwsAsync(save('transformer.h.7'), { code: 'argument' })
  await b.release()
})
