import { readFileSync } from 'node:fs'
import test from 'ava'
import { LanguageModel, load } from 'onnsight'
import {
  type AttributionPatchingOptions,
  attributionPatching,
  divergence,
  logitDifference,
  type Metric,
  patchActivations,
} from 'onnsight/study'
import { type Numbers, off, reference, vocabulary } from './reference.ts'

/** Products of differences and gradients in PyTorch (test/reference/make_attribution.py). */
const { patching } = JSON.parse(readFileSync('test/reference/attribution.json', 'utf8')) as {
  patching: Record<string, Numbers>
}

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())

const { clean, corrupted } = reference.prompts
const metric = logitDifference(...reference.answers)
const estimate = (options: Partial<AttributionPatchingOptions> = {}) =>
  attributionPatching(model, { clean: [clean], corrupted: [corrupted], metric, ...options })

for (const part of ['residual', 'attention', 'mlp', 'head', 'value', 'pattern'] as const)
  test(`attribution patching of each ${part} gives PyTorch’s numbers`, async t => {
    const found = await estimate({ part })
    t.true(off(found.effects.tolist(), patching[part]) < 1e-3)
    const across = ['head', 'value', 'pattern'].includes(part) ? ['head', 4] : ['token', clean.length]
    t.deepEqual(
      found.axes.map(({ name, labels }) => [name, labels.length]),
      [['layer', 4], across],
    )
    t.is(found.patched, undefined)
    t.is(found.error, undefined)
  })

test('attribution patching gives nnsight’s numbers on the same model', async t => {
  // test/reference/make_nnsight.py
  const nnsight = JSON.parse(readFileSync('test/reference/nnsight.json', 'utf8')) as {
    clean: number[]
    corrupted: number[]
    answer: number
    other: number
    metrics: number[]
    effects: Record<'residual' | 'head' | 'attention' | 'mlp', number[][]>
  }
  const same = await load('test/fixtures/peers/gpt2.onnx')
  for (const part of ['residual', 'head', 'attention', 'mlp'] as const) {
    const found = await attributionPatching(same, {
      clean: [nnsight.clean],
      corrupted: [nnsight.corrupted],
      metric: logitDifference(nnsight.answer, nnsight.other),
      part,
    })
    t.true(off([found.clean, found.corrupted], nnsight.metrics) < 1e-4)
    t.true(off(found.effects.tolist(), nnsight.effects[part]) < 1e-3, part)
  }
  await same.release()
})

test('where the metric is linear in the activation, the estimate is what patching gives', async t => {
  // The last layer's residual, attention and MLP reach the mean of the stream before the final norm by sums alone.
  const linear: Metric = {
    name: 'projection',
    measure: () => model.module('transformer.h.3').output.select(1, -1).narrow(-1, 3, 40).sum(-1),
  }
  const options = { clean: [clean], corrupted: [corrupted], metric: linear, layers: [3] }
  const mlp = await attributionPatching(model, { ...options, part: 'mlp', compare: true })
  t.true(mlp.error! < 1e-4)
  t.true(mlp.correlation! > 0.99999)
  const residual = await attributionPatching(model, { ...options, part: 'residual', compare: true })
  t.true(residual.error! > 1e-3)
})

test('the error against true patching is of the same places, by position, by layer and by head', async t => {
  for (const options of [
    {},
    { by: 'layer', part: 'mlp' },
    { part: 'head' },
    { part: 'pattern', layers: [1, 2] },
  ] as const) {
    const found = await estimate({ ...options, compare: true })
    const patched = await patchActivations(model, { clean: [clean], corrupted: [corrupted], metric, ...options })
    t.deepEqual(found.patched!.values.tolist(), patched.values.tolist())
    t.deepEqual(found.axes, patched.axes)
    const [estimates, values] = [found.effects, patched.values].map(
      one => [one.tolist()].flat(2) as unknown as number[],
    )
    const dues = values.map(value => value - found.corrupted)
    const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)
    const due = sum(dues.map((one, i) => Math.abs(one - estimates[i]))) / sum(dues.map(Math.abs))
    t.true(Math.abs(found.error! - due) < 1e-5)
    const [a, b] = [estimates, dues].map(list => list.map(one => one - sum(list) / list.length))
    const product = (x: readonly number[], y: readonly number[]) => sum(x.map((one, i) => one * y[i]))
    t.true(Math.abs(found.correlation! - product(a, b) / Math.sqrt(product(a, a) * product(b, b))) < 1e-5)
  }
})

test('several pairs give the mean of each pair’s estimates', async t => {
  const pairs = { clean: [clean, corrupted], corrupted: [corrupted, clean] }
  const [both, first, second] = await Promise.all([
    estimate(pairs),
    estimate(),
    estimate({ clean: [corrupted], corrupted: [clean] }),
  ])
  const mean = await first.effects.add(second.effects).div(2).value()
  t.true(off(both.effects.tolist(), mean.tolist() as number[][]) < 1e-5)
})

test('heads that share keys, and a metric against the clean run, have estimates', async t => {
  const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype: 'fp32' })
  const options = { clean: 'To be or not', corrupted: 'To do or not', metric: divergence() }
  const found = await attributionPatching(verse, { ...options, part: 'key', compare: true })
  t.deepEqual(found.effects.dims, [4, 2])
  t.true(Number.isFinite(found.error!))
  await verse.release()
})

test('estimates print, draw themselves, and say how far off they are', async t => {
  const found = await estimate({ vocabulary, compare: true })
  t.regex(String(found), /Attribution patching of the residual stream/)
  t.regex(String(found), /Against true patching: mean error \d+ % of the mean effect, correlation 0\.\d\d/)
  t.regex((await found.plot()).svg, /Attribution patching/)
  t.regex((await (await estimate({ by: 'layer' })).plot()).svg, /estimated share/)
  await t.throwsAsync(estimate({ part: 'none' as never }), { message: /no part "none"/ })
  await t.throwsAsync(estimate({ part: 'head', by: 'position' }), { code: 'study', message: /by: 'position'/ })
  await t.throwsAsync(estimate({ clean: [clean.slice(1)] }), { code: 'study', message: /tokens/ })
})
