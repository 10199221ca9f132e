import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LanguageModel, type Tensor } from 'onnsight'
import { near } from '../near.ts'

// A small encoder–decoder in the forms that Optimum exports. reference.json has PyTorch's values.

const fixtures = 'test/fixtures/encoder-decoder'
const { source, mask, states, plain } = JSON.parse(readFileSync(`${fixtures}/reference.json`, 'utf8')) as {
  readonly source: number[][]
  readonly mask: number[][]
  readonly states: number[][][]
  readonly plain: { readonly ids: number[][] }
}

const chars = [...'abcdefghijklm']
/** The rows as texts. Each is as long as its mask says. */
const texts = source.map((row, i) =>
  row
    .slice(0, mask[i].filter(Boolean).length)
    .map(id => chars[id])
    .join(''),
)
const maxNewTokens = plain.ids[0].length - 1

function folderOf(graphs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-seq2seq-'))
  mkdirSync(join(folder, 'onnx'))
  for (const [name, file] of Object.entries(graphs)) cpSync(join(fixtures, file), join(folder, 'onnx', name))
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ chars }))
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ is_encoder_decoder: true, decoder_start_token_id: 12, pad_token_id: 0 }),
  )
  return folder
}

const layouts = {
  'an encoder and a decoder': { 'encoder_model.onnx': 'encoder.onnx', 'decoder_model.onnx': 'decoder.onnx' },
  'both in one graph': { 'model.onnx': 'whole.onnx' },
}
for (const [what, graphs] of Object.entries(layouts)) {
  test(`texts go to the encoder, and the decoder goes on from its first token: ${what}`, async t => {
    const model = await LanguageModel.load(folderOf(graphs))
    const { ids } = await model.generate(texts, { maxNewTokens, eosTokenId: [] })
    t.deepEqual(
      (ids.tolist() as number[][]).map(row => row.map(Number)),
      plain.ids,
    )
    // Each row has the same values as when it runs alone.
    for (const [i, text] of texts.entries()) {
      const alone = await model.generate(text, { maxNewTokens, eosTokenId: [] })
      t.deepEqual((alone.ids.tolist() as number[][])[0].map(Number), plain.ids[i])
    }
    const traced = await model.trace(texts, m => m.lm_head.output)
    t.deepEqual(traced.dims, [3, 1, 13])
    t.truthy((await model.scan(texts)).modules.lm_head)
    await model.release()
  })
}

test('the encoder is a model of its own', async t => {
  const model = await LanguageModel.load(folderOf(layouts['an encoder and a decoder']))
  const encoder = model.encoderModel!
  const found = await encoder.run({ input_ids: source, attention_mask: mask })
  const due = states.flat(2)
  const data = found.last_hidden_state.data as Float32Array
  t.true(data.every((value, i) => Math.abs(value - due[i]) < 1e-3 * Math.max(1, Math.abs(due[i]))))
  const inputs = {
    encoder_hidden_states: found.last_hidden_state,
    encoder_attention_mask: mask,
    input_ids: [[12], [12], [12]],
  }
  const [byText, byStates] = [await model.run(texts), await model.run(inputs)]
  t.true(near(byText.logits as Tensor, byStates.logits as Tensor, 1e-5))
  // An edit of the encoder changes what the decoder gets.
  encoder.edit({ inplace: true }, m => {
    m.tensor('last_hidden_state').set('...', 0)
  })
  t.false(near((await model.run(texts)).logits, byText.logits, 1e-3))
  await model.release()
})
