import test from 'ava'
import { load } from 'onnsight'
import { attentionScores } from 'onnsight/study'
import { off, reference } from './reference.ts'

const model = await load('test/fixtures/models/induction.onnx')
test.after.always(() => model.release())
const { ids, ...due } = reference.scores
const prompt = [ids as number[]]
const kinds = ['previous', 'duplicate', 'induction'] as const

for (const measure of ['mul', 'abs'] as const)
  for (const excludeFirst of [false, true])
    for (const excludeCurrent of [false, true])
      test(`TransformerLens’ ${measure}, ${excludeFirst ? 'without' : 'with'} the first token, ${excludeCurrent ? 'without' : 'with'} the current one`, async t => {
        const scores = await attentionScores(model, prompt, { measure, excludeFirst, excludeCurrent })
        for (const kind of kinds) {
          const name = `${kind} ${measure}${excludeFirst ? ' bos' : ''}${excludeCurrent ? ' current' : ''}`
          t.true(off(scores[kind].tolist(), due[name]) < 1e-4, name)
        }
      })

test('the share of queries that have such a key, which shows the two heads that do the work', async t => {
  const scores = await attentionScores(model, prompt)
  for (const kind of kinds) t.true(off(scores[kind].tolist(), due[`${kind} share`]) < 1e-4, kind)
  t.like(scores.best('previous', 1)[0], { layer: 0, head: 3 })
  t.like(scores.best('induction', 1)[0], { layer: 1, head: 1 })
  t.true(scores.best('induction', 1)[0].score > 0.8)
  t.deepEqual(
    scores.axes.map(({ name, labels }) => [name, labels.length]),
    [
      ['layer', 2],
      ['head', 4],
    ],
  )
})

test('several prompts: the mean of the prompts alone; padding counts for nothing', async t => {
  const [row] = prompt
  const other = [...row].reverse()
  const [a, b, both] = await Promise.all([[row], [other], [row, other]].map(rows => attentionScores(model, rows)))
  const mean = (x: unknown, y: unknown) =>
    (x as number[][]).map((line, i) => line.map((value, j) => (value + (y as number[][])[i][j]) / 2))
  for (const kind of kinds) t.true(off(both[kind].tolist(), mean(a[kind].tolist(), b[kind].tolist())) < 1e-5, kind)
  const cache = await load('test/fixtures/models/chars-cache.onnx')
  const [short, long] = [
    [5, 17, 5, 17],
    [40, 2, 33, 40, 2, 33, 40, 2],
  ]
  const padded = await attentionScores(cache, { input_ids: [short, long] })
  const [c, d] = await Promise.all([short, long].map(ids => attentionScores(cache, { input_ids: [ids] })))
  for (const kind of kinds) t.true(off(padded[kind].tolist(), mean(c[kind].tolist(), d[kind].tolist())) < 1e-4, kind)
  await cache.release()
})

for (const build of ['model', 'model_q4'])
  test(`a text model, ${build}: heads of fused attentions too`, async t => {
    const verse = await load(`test/fixtures/models/verse/onnx/${build}.onnx`)
    const scores = await attentionScores(verse, { input_ids: [[5, 17, 40, 2, 5, 17, 40, 2]] })
    const pattern = await verse.trace(
      { input_ids: [[5, 17, 40, 2, 5, 17, 40, 2]] },
      m => m.model.layers[1].heads.pattern,
    )
    const rows = (pattern.tolist() as number[][][][])[0][2]
    const previous = rows.slice(1).reduce((sum, row, i) => sum + row[i], 0) / (rows.length - 1)
    t.true(Math.abs((scores.previous.tolist() as number[][])[1][2] - previous) < 1e-5)
    await verse.release()
  })

test('what is wrong is said; it prints and draws three maps', async t => {
  await t.throwsAsync(attentionScores(model, prompt, { measure: 'max' as never }), {
    code: 'argument',
    message: /no measure "max"/,
  })
  const scores = await attentionScores(model, prompt)
  t.regex(String(scores), /^induction 1 +0\.\d\d +0\.83/m)
  t.is([...(await scores.plot()).svg.matchAll(/<title>layer \d, head /g)].length, 3 * 8)
})
