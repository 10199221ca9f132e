import test from 'ava'
import { load } from 'onnsight'
import { linearProbe } from 'onnsight/study'
import { off, reference } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { prompts, ...due } = reference.probes
const kinds = prompts.map((_, i) => (i % 2 === 0 ? 'capitals' : 'small'))
const options = { position: 'mean', ridge: 2, folds: 4 } as const

test('probes of classes: held-out accuracy and weights are those of ridge regression in PyTorch', async t => {
  const probe = await linearProbe(model, prompts, { labels: kinds, ...options })
  t.true(off(probe.scores.tolist(), due.accuracy) < 1e-6)
  const weights = (probe.directions.tolist() as number[][][]).map(([first]) => first.slice(0, 5))
  t.true(off(weights, due.weights) < 1e-4)
  t.is(probe.chance, 0.5)
  t.deepEqual(probe.classes, ['capitals', 'small'])
  t.deepEqual(probe.directions.dims, [4, 2, 128])
  t.deepEqual(
    probe.directions.axes?.map(({ name }) => name),
    ['layer', 'class', undefined],
  )
})

test('probes of numbers: R² on held-out prompts', async t => {
  const probe = await linearProbe(model, prompts, { labels: prompts.map(({ length }) => length), ...options })
  t.true(off(probe.scores.tolist(), due.squares) < 1e-3)
  t.is(probe.classes, undefined)
})

test('labels that say nothing about the prompts can’t be read', async t => {
  const shuffled = kinds.map((_, i) => ['a', 'a', 'b', 'b'][i % 4])
  const probe = await linearProbe(model, prompts, { labels: shuffled, ...options, layers: [2, 0] })
  t.deepEqual(probe.axes[0].labels, ['2', '0'])
  t.true((probe.scores.tolist() as number[]).every(score => score < 0.85))
})

test('what is wrong is said; it prints and draws', async t => {
  await t.throwsAsync(linearProbe(model, prompts, { labels: ['a'] }), {
    code: 'study',
    message: /12 prompts and 1 labels/,
  })
  await t.throwsAsync(linearProbe(model, prompts, { labels: kinds.map(() => 'a') }), {
    code: 'study',
    message: /all prompts are "a"/,
  })
  await t.throwsAsync(linearProbe(model, prompts, { labels: kinds, folds: 13 }), { code: 'study', message: /13 parts/ })
  await t.throwsAsync(linearProbe(model, prompts, { labels: kinds, ridge: 0 }), { code: 'argument' })
  const probe = await linearProbe(model, prompts, { labels: kinds, ...options })
  t.regex(String(probe), /2 classes; guessing gives 0\.50/)
  t.is([...(await probe.plot()).svg.matchAll(/<title>(probe|guessing), layer/g)].length, 8)
})

test('it says how many prompts are read, and stops on a signal', async t => {
  const controller = new AbortController()
  const reports: number[][] = []
  const stopped = linearProbe(model, prompts, {
    ...{ labels: kinds, ...options },
    signal: controller.signal,
    onProgress(...report) {
      reports.push(report)
      if (report[0] === 3) controller.abort(new Error('enough'))
    },
  })
  await t.throwsAsync(stopped, { message: 'enough' })
  t.deepEqual(
    reports.map(([done, total]) => [done, total]),
    [1, 2, 3].map(done => [done, prompts.length]),
  )
  t.true(reports.every(([, , left]) => left > 0))
})
