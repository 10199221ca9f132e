import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { template as block, LanguageModel, load } from 'onnsight'
import { near } from '../near.ts'

interface Texts {
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[]
  readonly chat: readonly {
    readonly messages: readonly { readonly role: string; readonly content: string }[]
    readonly rendered: string
    readonly ids: readonly number[]
  }[]
}

const folder = 'test/fixtures/models/verse'
const { texts, chat } = JSON.parse(readFileSync('test/fixtures/verse/texts.json', 'utf8')) as Texts
const model = await LanguageModel.load(folder)
const plain = await load(`${folder}/onnx/model.onnx`)
test.after.always(async () => {
  await model.release()
  await plain.release()
})

test('a text gives what its token ids give, and decodes to itself', async t => {
  for (const { text, ids } of texts.filter(({ ids }) => ids.length > 0)) {
    t.true(near((await model.run(text)).logits, (await plain.run([ids])).logits, 1e-6), text)
    t.is(model.decode(ids), text)
  }
})

test('a chat is rendered by the model’s template, and gives what its ids give', async t => {
  for (const { messages, rendered, ids } of chat) {
    t.is(model.chatText(messages), rendered)
    t.true(near((await model.run(messages)).logits, (await plain.run([ids])).logits, 1e-6))
  }
})

test('wherever a model takes ids it takes a text', async t => {
  const [{ text, ids }] = texts
  const { logits } = await plain.run([ids])
  const traced = await model.trace(text, m => m.lm_head.output)
  const named = await model.trace({ input_ids: text }, m => m.lm_head.output)
  const { logits: template } = await model.trace(text, block`save logits = lm_head.output`)
  const edited = model.edit(m => {
    m.model.layers[1].output = 0
  })
  const changed = await edited.run(text)
  for (const got of [traced, named, template]) t.true(near(got, logits, 1e-6))
  t.false(near(changed.logits, logits, 1e-2))
  t.deepEqual((await model.scan(text)).modules.lm_head, (await plain.scan([ids])).modules.lm_head)
  const generated = await model.generate(text, { maxNewTokens: 5 })
  const expected = await plain.generate([ids], { maxNewTokens: 5, eosTokenId: 0 })
  t.deepEqual(generated.ids.tolist(), expected.ids.tolist())
})

test('rows of a list are what each text is alone', async t => {
  const both = [texts[0].text, texts[1].text]
  const { logits } = await model.run(both)
  for (const [i, text] of both.entries()) {
    const alone = (await model.run(text)).logits
    const tail = logits.slice([i, { start: -alone.dims[1]! }])
    t.true(near(await tail.value(), await alone.squeeze(0).value()), text)
  }
})

test('an .onnx file with a vocabulary of characters takes texts', async t => {
  const chars = await LanguageModel.load('test/fixtures/models/chars.onnx')
  t.deepEqual(chars.tokenizer.encode('Firs').ids, [18, 47, 56, 57])
  t.is(chars.decode([18, 47, 56, 57]), 'Firs')
  const { logits } = await chars.run('Firs')
  t.true(near(logits, (await chars.run([[18, 47, 56, 57]])).logits, 0))
  await t.throwsAsync(chars.run('naïve'), { code: 'prompt', message: /no "ï"/ })
  await chars.release()
})

test('a text that the tokenizer has no tokens for is refused', async t => {
  const own = mkdtempSync(join(tmpdir(), 'onnsight-words-'))
  t.teardown(() => rmSync(own, { recursive: true }))
  copyFileSync('test/fixtures/models/chars.onnx', join(own, 'model.onnx'))
  const vocab = { be: 3, not: 4, to: 5 }
  writeFileSync(
    join(own, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens: [],
      truncation: null,
      padding: null,
      normalizer: null,
      post_processor: null,
      decoder: null,
      pre_tokenizer: { type: 'Whitespace' },
      model: { type: 'WordLevel', vocab },
    }),
  )
  const words = await LanguageModel.load(own)
  t.teardown(() => words.release())
  t.deepEqual((await words.run('to be')).logits.dims, [1, 2, 65])
  await t.throwsAsync(words.run('to be or not to be'), { message: /can’t spell a prompt/ })
})
