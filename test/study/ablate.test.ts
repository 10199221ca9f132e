import test from 'ava'
import { load } from 'onnsight'
import { ablate, logitDifference, loss } from 'onnsight/study'
import { s, trace } from 'onnsight/trace.macro'
import { encode, off, reference } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
const induction = await load('test/fixtures/models/induction.onnx')
test.after.always(async () => {
  await model.release()
  await induction.release()
})
const { line } = reference.prompts
const metric = logitDifference(...reference.answers)
const over = [encode('First Citizen: we are'), encode('Good morrow, my lords')]

for (const [part, name] of [
  ['head', 'heads'],
  ['mlp', 'mlp'],
  ['attention', 'attention'],
] as const)
  for (const how of ['zero', 'mean'] as const)
    test(`${how} ablation of each ${part} gives PyTorch’s numbers`, async t => {
      const found = await ablate(model, [line], { metric, part, with: how, ...(how === 'mean' ? { over } : {}) })
      t.true(off(found.values.tolist(), reference.ablation[`${how} ${name}`]) < 2e-5)
      t.true(off(found.base, reference.ablation.base) < 2e-5)
      const [first] = (found.values.tolist() as number[][]).flat()
      t.true(Math.abs((found.effects.tolist() as number[][]).flat()[0] - (first - found.base)) < 1e-5)
    })

test('resampling takes the value of another prompt', async t => {
  const other = encode('Good morrow, my lords!')
  const found = await ablate(model, [line], { metric, with: 'resample', over: [other], layers: [1] })
  const z = await trace(model, [other], () => model.transformer.h[1].attn.c_proj.input)
  const logits = await trace(model, [line], () => {
    model.transformer.h[1].attn.c_proj.input.set(s`..., 64:96`, z.slice(s`..., 64:96`))
    return model.lm_head.output.slice(s`0, -1`)
  })
  const row = logits.tolist() as number[]
  const [a, b] = reference.answers
  t.true(Math.abs((found.values.tolist() as number[][])[0][2] - (row[a] - row[b])) < 1e-4)
  t.not((found.effects.tolist() as number[][])[0][2], 0)
})

test('without an induction head, the loss on the repetition rises to that of the first time', async t => {
  const run = [5, 17, 40, 2, 33, 61, 8, 29, 50, 12, 44, 3, 27, 19, 58]
  const prompt = [[...run, ...run]]
  const again = await ablate(induction, prompt, { metric: loss({ from: run.length }) })
  const { base: first } = await ablate(induction, prompt, { metric: loss({ to: run.length - 1 }), layers: [0] })
  t.true(again.base < 0.01)
  const rows = again.values.tolist() as number[][]
  // Head 3 of layer 0 attends to the previous token, and head 1 of layer 1 to the token that followed last time.
  for (const [layer, head] of [
    [0, 3],
    [1, 1],
  ])
    t.true(rows[layer][head] > 0.5 * first, `${layer} ${head}: ${rows[layer][head]} of ${first}`)
  t.true(rows.flat().filter(value => value > 1).length === 2)
})

test('the loss is that of PyTorch’s cross-entropy', async t => {
  const { logits } = await model.run([line])
  const due = await logits.select(0, 0).narrow(0, 2, 5).crossEntropy(line.slice(3, 8)).value()
  const { base } = await ablate(model, [line], { metric: loss({ from: 2, to: 7 }), layers: [0], part: 'mlp' })
  t.true(Math.abs(base - Number(due.item())) < 1e-5)
  await t.throwsAsync(ablate(model, [line], { metric: loss({ from: line.length - 1 }) }), {
    code: 'argument',
    message: /no position/,
  })
})

test('parts that are not there, and other prompts that are missing or do not fit, are refused', async t => {
  await t.throwsAsync(ablate(induction, [[1, 2]], { metric, part: 'mlp' }), { code: 'study', message: /no mlp/ })
  await t.throwsAsync(ablate(model, [line], { metric, with: 'mean' }), {
    code: 'study',
    message: /needs other prompts/,
  })
  await t.throwsAsync(ablate(model, [line], { metric, with: 'resample', over }), {
    code: 'study',
    message: /2 prompts of 21 tokens/,
  })
  await t.throwsAsync(ablate(model, [line], { metric, part: 'norm' as never }), { code: 'argument' })
  await t.throwsAsync(ablate(model, [line], { metric, with: 'noise' as never }), { code: 'argument' })
  await t.throwsAsync(ablate(model, [line], { metric, layers: [7] }), { code: 'study', message: /no layer 7/ })
})

test('it prints and draws', async t => {
  const found = await ablate(model, [line], { metric })
  t.regex(String(found), /logit difference of the whole model: -0\.33/)
  t.is([...(await found.plot()).svg.matchAll(/<title>layer \d, head \d, change of the logit difference/g)].length, 16)
  const mlps = await ablate(model, [line], { metric, part: 'mlp' })
  t.is([...(await mlps.plot()).svg.matchAll(/<title>layer \d, change of/g)].length, 4)
})
