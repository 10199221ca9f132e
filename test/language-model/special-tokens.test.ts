import test from 'ava'
import { LanguageModel } from 'onnsight'
import { wordPiece } from './tokenizers.ts'

const folder = 'test/fixtures/models/verse'
const text = 'Speak.<|endoftext|>JULIET:'
const chat = [{ role: 'user', content: `${text} Now` }]

test('in a text a special token is read as in transformers; in a message it is refused', async t => {
  const model = await LanguageModel.load(folder)
  t.true(model.tokens(text).ids.includes(0))
  t.throws(() => model.tokens(chat), {
    code: 'prompt',
    message: /message of user has the text <\|endoftext\|>[\s\S]*specialTokens/,
  })
  await model.release()
})

test('as text it has ids of its own, and all else has those that it had', async t => {
  const model = await LanguageModel.load(folder, { specialTokens: 'text' })
  for (const prompt of [text, chat]) {
    const tokens = model.tokens(prompt as string)
    const shown = typeof prompt === 'string' ? text : model.chatText(chat)
    t.is(tokens.text, shown)
    t.is(model.decode(tokens.ids), shown)
  }
  t.false(model.tokens(text).ids.includes(0))
  // The special token that the template writes stays.
  t.is(model.tokens(chat).ids.filter(id => id === 0).length, 1)
  const plain = [{ role: 'user', content: 'Good morrow' }]
  const usual = await LanguageModel.load(folder)
  t.deepEqual(model.tokens(plain).ids, usual.tokens(plain).ids)
  await model.release()
  await usual.release()
})

test('refused in texts too, where that is asked for', async t => {
  const model = await LanguageModel.load(folder, { specialTokens: 'refuse' })
  t.throws(() => model.tokens(text), { code: 'prompt' })
  t.is(model.tokens('Speak.').text, 'Speak.')
  await model.release()
  await t.throwsAsync(LanguageModel.load(folder, { specialTokens: 'never' as never }), { code: 'load-option' })
})

test('a tokenizer object can’t take them for text, and says so', async t => {
  const model = await LanguageModel.load(`${folder}/onnx/model.onnx`, { tokenizer: wordPiece, specialTokens: 'text' })
  t.throws(() => model.tokens('the [SEP] tower'), { code: 'prompt', message: /tokenizer\.json/ })
  t.deepEqual(model.tokens('the tower').ids, [2, 4, 6, 3])
  await model.release()
})
