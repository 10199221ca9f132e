import test from 'ava'
import fc from 'fast-check'
import { LanguageModel, load } from 'onnsight'
import { directLogitAttribution } from 'onnsight/study'
import { many } from '../many.ts'
import { off, reference, vocabulary } from './reference.ts'

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())
const { line } = reference.prompts
const [answer, other] = reference.answers

test('each head, MLP, attention and the embeddings have the share that PyTorch gives, by TransformerLens’ definition', async t => {
  const found = await directLogitAttribution(model, [line], { answer, other })
  const due = reference.attribution
  t.true(off(found.heads.tolist(), due.heads) < 1e-4)
  t.true(off(found.mlp.tolist(), due.mlp) < 1e-4)
  t.true(off(found.attention.tolist(), due.attention) < 1e-4)
  t.true(Math.abs(found.embeddings - ((due.embed as number) + (due.pos_embed as number))) < 1e-4)
  t.true(off(found.bias, due.bias) < 1e-4)
  t.true(off(found.logit, due.difference) < 1e-4)
  t.deepEqual(found.axes[0].labels.slice(0, 7), [
    'embeddings',
    ...[0, 1, 2, 3].map(head => `0 head ${head}`),
    '0 attention bias',
    '0 MLP',
  ])
  t.is(found.axes[0].labels.length, found.values.size)
  t.deepEqual(found.values.axes?.[0].name, 'component')
})

const models: Readonly<Record<string, readonly [layer: number, tolerance: number]>> = {
  chars: [65, 1e-4],
  'chars-scopes': [65, 1e-4],
  'chars-cache': [65, 1e-4],
  induction: [64, 1e-4],
  'verse/onnx/model': [1024, 1e-4],
  'verse/onnx/model_q4': [1024, 1e-4],
  'chars-fp16': [65, 3e-2],
}
for (const [name, [size, tolerance]] of Object.entries(models))
  test(`${name}: the shares sum to the logit, of any token at any position`, async t => {
    const one = await load(`test/fixtures/models/${name}.onnx`)
    const token = fc.integer({ min: 2, max: size - 1 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(token, { minLength: 3, maxLength: 9 }),
        token,
        fc.option(token),
        fc.nat(),
        async (ids, a, b, place) => {
          const position = place % ids.length
          const prompt = { input_ids: [ids] }
          const found = await directLogitAttribution(one, prompt, {
            answer: a,
            position,
            ...(b === null ? {} : { other: b }),
          })
          const { logits } = await one.run(prompt)
          const row = ((await logits.to('float32').value()).tolist() as number[][][])[0][position]
          const due = row[a] - (b === null ? 0 : row[b])
          const values = found.values.tolist() as number[]
          const sum = values.reduce((all, value) => all + value, 0)
          const most = Math.max(1, ...row.map(Math.abs), ...values.map(Math.abs))
          t.true(Math.abs(found.logit - due) <= tolerance * most, `${found.logit} ${due}`)
          t.true(Math.abs(sum - due) <= tolerance * most * 3, `${sum} ${due}`)
        },
      ),
      { numRuns: many(12) },
    )
    await one.release()
  })

test('several prompts, of different lengths too: the mean of the prompts alone', async t => {
  const verse = await LanguageModel.load('test/fixtures/models/verse', { dtype: 'fp32' })
  const prompts = ['The king', 'What light through yonder window']
  const alone = await Promise.all(prompts.map((prompt, i) => directLogitAttribution(verse, prompt, { answer: 5 + i })))
  const both = await directLogitAttribution(verse, prompts, { answer: [5, 6] })
  t.true(Math.abs(both.logit - (alone[0].logit + alone[1].logit) / 2) < 1e-3)
  const [a, b] = alone.map(one => one.mlp.tolist() as number[])
  t.true(
    off(
      both.mlp.tolist(),
      a.map((value, i) => (value + b[i]) / 2),
    ) < 1e-3,
  )
  await t.throwsAsync(directLogitAttribution(verse, prompts, { answer: [5] }), { code: 'study', message: /1 answers/ })
  await verse.release()
})

test('a position that the prompt does not have, and an answer that is no token, are refused', async t => {
  for (const position of [line.length, -line.length - 1])
    await t.throwsAsync(directLogitAttribution(model, [line], { answer, position }), {
      code: 'study',
      message: /no position/,
    })
  await t.throwsAsync(directLogitAttribution(model, [line], { answer: -1 }), { code: 'argument' })
})

test('texts as answers; it prints and draws', async t => {
  const found = await directLogitAttribution(model, [line], { answer: 'D', other: 'I', vocabulary })
  t.regex(String(found), /^layer +head 0 +head 1 +head 2 +head 3 +attention bias +MLP$/m)
  t.regex(String(found), /all together -0\.33/)
  t.is([...(await found.plot()).svg.matchAll(/<title>layer \d, part /g)].length, 4 * 6)
})
