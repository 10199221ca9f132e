import test from 'ava'
import { LanguageModel, load, type Tensor } from 'onnsight'
import {
  divergence,
  logitDifference,
  type Metric,
  type PatchOptions,
  patchActivations,
  probability,
} from 'onnsight/study'
import { s, trace } from 'onnsight/trace.macro'
import { off, reference, vocabulary } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())

const { clean, corrupted } = reference.prompts
const [answer, other] = reference.answers
const metric = logitDifference(answer, other)
const patch = (options: Partial<PatchOptions> = {}) =>
  patchActivations(model, { clean: [clean], corrupted: [corrupted], metric, ...options })

for (const part of ['residual', 'attention', 'mlp'] as const)
  test(`patching each layer’s ${part} at each position gives PyTorch’s numbers`, async t => {
    const patched = await patch({ part })
    t.true(off(patched.values.tolist(), reference.patching[part]) < 2e-5)
    t.true(off(patched.clean, reference.patching.clean) < 2e-5)
    t.true(off(patched.corrupted, reference.patching.corrupted) < 2e-5)
    t.deepEqual(
      patched.axes.map(({ name, labels }) => [name, labels.length]),
      [
        ['layer', 4],
        ['token', clean.length],
      ],
    )
    const [share] = (patched.recovered.tolist() as number[][])[3].slice(-1)
    const [value] = (reference.patching[part] as number[][])[3].slice(-1)
    t.true(Math.abs(share - (value - patched.corrupted) / (patched.clean - patched.corrupted)) < 1e-4)
  })

for (const [part, due] of [
  ['head', 'heads'],
  ['value', 'values'],
  ['pattern', 'patterns'],
] as const)
  test(`patching each head’s ${part} gives PyTorch’s numbers`, async t => {
    const patched = await patch({ part })
    t.true(off(patched.values.tolist(), reference.patching[due]) < 2e-5)
    t.deepEqual(
      patched.axes.map(({ name, labels }) => [name, labels.length]),
      [
        ['layer', 4],
        ['head', 4],
      ],
    )
    await t.throwsAsync(patch({ part, by: 'position' }), { code: 'study', message: /by: 'position'/ })
  })

test('heads that share keys and values are patched by shared head, in float and quantised', async t => {
  for (const dtype of ['fp32', 'q4'] as const) {
    const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const [own, others] = ['To be or not', 'To do or not']
    const options = { clean: own, corrupted: others, metric: logitDifference(5, 9) }
    for (const [part, name] of [
      ['key', 'k'],
      ['value', 'v'],
    ] as const) {
      const patched = await patchActivations(verse, { ...options, part })
      t.deepEqual(patched.values.dims, [4, 2], `${dtype} ${part}`)
      for (const head of [0, 1]) {
        const kept = await verse.trace(own, m => m.model.layers[1].heads[name].select(2, head))
        const value = await verse.trace(others, m => {
          m.model.layers[1].heads[name].set([{}, {}, head], kept)
          const row = m.lm_head.output.select(0, 0).select(0, -1)
          return row.select(0, 5).sub(row.select(0, 9))
        })
        const found = (patched.values.tolist() as number[][])[1][head]
        t.true(Math.abs(found - Number(value.item())) < 1e-3, `${dtype} ${part} ${head}`)
        t.true(Math.abs(found - patched.corrupted) > 1e-4)
      }
    }
    const queries = await patchActivations(verse, { ...options, part: 'query' })
    t.deepEqual(queries.values.dims, [4, 4])
    await verse.release()
  }
})

for (const batch of [1, 3, 11, 40])
  test(`${batch} rows in a run give the same numbers`, async t => {
    const patched = await patch({ batch })
    t.true(off(patched.values.tolist(), reference.patching.residual) < 2e-5)
  })

test('the divergence from the clean run, and one patch for all positions of a layer', async t => {
  const kl = await patch({ metric: divergence() })
  t.true(off(kl.values.tolist(), reference.patching.kl) < 2e-5)
  t.is(Math.abs(kl.clean) < 1e-6, true)
  const layers = await patch({ part: 'mlp', by: 'layer' })
  t.true(off(layers.values.tolist(), reference.patching['mlp layers']) < 2e-5)
  t.deepEqual(
    layers.axes.map(({ name }) => name),
    ['layer'],
  )
})

test('some layers, in any order', async t => {
  const patched = await patch({ layers: [3, 1] })
  const due = reference.patching.residual as number[][]
  t.true(off(patched.values.tolist(), [due[3], due[1]]) < 2e-5)
  t.deepEqual(patched.axes[0].labels, ['3', '1'])
  await t.throwsAsync(patch({ layers: [4] }), { code: 'study', message: /no layer 4/ })
})

test('several pairs: the mean of the pairs alone, with answers of their own', async t => {
  const answers = [answer, other]
  const others = [other, answer]
  const both = await patch({
    clean: [clean, corrupted],
    corrupted: [corrupted, clean],
    metric: logitDifference(answers, others),
  })
  const turned = await patch({ clean: [corrupted], corrupted: [clean], metric: logitDifference(other, answer) })
  const alone = await patch()
  const mean = (a: Tensor, b: Tensor) =>
    (a.tolist() as number[][]).map((row, i) => row.map((x, j) => (x + (b.tolist() as number[][])[i][j]) / 2))
  t.true(off(both.values.tolist(), mean(alone.values, turned.values)) < 1e-5)
  t.true(Math.abs(both.clean - (alone.clean + turned.clean) / 2) < 1e-5)
})

test('a metric of one’s own is computed in the graph', async t => {
  const rank: Metric = {
    name: 'rank of the answer',
    measure: logits => {
      const last = logits.select(1, -1)
      return last
        .gt(last.narrow(-1, answer, 1))
        .to('float32')
        .sum(-1)
    },
  }
  const patched = await patch({ metric: rank, layers: [3] })
  const state = await trace(model, [clean], () => model.transformer.h[2].output)
  const due: number[] = []
  for (let position = 0; position < clean.length; position++) {
    const logits = await trace(model, [corrupted], () => {
      model.transformer.h[2].output.set(s`:, ${position}`, state.slice(s`:, ${position}`))
      return model.lm_head.output.slice(s`0, -1`)
    })
    const row = logits.tolist() as number[]
    due.push(row.filter(logit => logit > row[answer]).length)
  }
  t.deepEqual(patched.values.tolist(), [due])
  t.is(patched.clean, 0)
  const wrong: Metric = { name: 'all logits', measure: logits => logits.select(1, -1) }
  await t.throwsAsync(patch({ metric: wrong }), { code: 'study', message: /all logits gives dims \[1, 65\]/ })
})

test('progress is told after each layer, and a signal stops the sweep', async t => {
  const calls: [number, number][] = []
  await patch({ onProgress: (done, total) => void calls.push([done, total]) })
  t.deepEqual(calls, [
    [1, 4],
    [2, 4],
    [3, 4],
    [4, 4],
  ])
  const stop = new AbortController()
  const stopped = patch({
    signal: stop.signal,
    onProgress: done => void (done === 2 && stop.abort(new Error('enough'))),
  })
  await t.throwsAsync(stopped, { message: 'enough' })
})

test('prompts that are no pair, and answers that are no token, are refused', async t => {
  await t.throwsAsync(patch({ clean: [clean.slice(1)] }), {
    code: 'study',
    message: /10 tokens, and the corrupted ones 11/,
  })
  await t.throwsAsync(patch({ metric: probability('D') }), {
    code: 'argument',
    message: /tokens of this model are not known/,
  })
  await t.throwsAsync(patch({ part: 'norm' as never }), { code: 'argument', message: /no part "norm"/ })
  await t.throwsAsync(patch({ metric: undefined as never }), { code: 'argument', message: /metric/ })
  const induction = await load('test/fixtures/models/induction.onnx')
  const options = { clean: [[1, 2]], corrupted: [[2, 2]], metric: probability(3), part: 'mlp' } as const
  await t.throwsAsync(patchActivations(induction, options), {
    code: 'study',
    message: /no module of transformer\.h\.0 is called an MLP/,
  })
  await induction.release()
})

test('texts as prompts and answers, on models with a tokenizer: rows of prompts of different lengths are those prompts alone', async t => {
  for (const dtype of ['fp32', 'q4', 'int8'] as const) {
    const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const pairs = [
      { clean: 'The king is', corrupted: 'The lord is' },
      { clean: 'The king', corrupted: 'The queen' },
      { clean: 'I am not', corrupted: 'I am now' },
    ].filter(
      pair => verse.tokenizer.encode(pair.clean).ids.length === verse.tokenizer.encode(pair.corrupted).ids.length,
    )
    t.true(pairs.length > 0)
    const ids = (text: string) => verse.tokenizer.encode(text).ids as number[]
    const id = ids(' the')[0]
    for (const pair of pairs) {
      const texts = await patchActivations(verse, { ...pair, metric: probability(id) })
      const numbers = await patchActivations(verse, {
        clean: [ids(pair.clean)],
        corrupted: [ids(pair.corrupted)],
        metric: probability(id),
        batch: 1,
      })
      t.true(off(texts.values.tolist(), numbers.values.tolist() as number[][]) < 1e-4, dtype)
      t.true(String(texts).includes('/'), 'a position where the prompts differ has both tokens')
    }
    await verse.release()
  }
})

test('it prints as a table and draws with a scale around 0', async t => {
  const patched = await patch({ vocabulary })
  t.regex(String(patched), /logit difference: -1\.44 in the corrupted run/)
  t.regex(String(patched), /C\/N/)
  const { svg, spec } = await patched.plot()
  t.is([...svg.matchAll(/<title>layer /g)].length, 4 * clean.length)
  t.regex(JSON.stringify(spec), /"scheme":"redblue"/)
  t.regex((await (await patch({ by: 'layer' })).plot()).svg, /<title>layer 3, share that comes back 1\.0000<\/title>/)
})
