import { readFileSync } from 'node:fs'
import test from 'ava'
import { LanguageModel, type Tensor } from 'onnsight'
import { parseSafetensors } from '../cases/safetensors.ts'

// The cases' prompts are given as texts. The model must get the same inputs as in the cases.

interface PromptCase {
  readonly id: string
  readonly model: string
  readonly file: string
  readonly text: readonly string[]
  readonly inputs: Readonly<Record<string, { readonly tensor: string }>>
  readonly generate?: { readonly tokens: number }
  readonly decoded?: readonly string[]
  readonly edits: readonly unknown[]
}

const files = new Map<string, Map<string, Tensor>>()
function tensorOf(folder: string, file: string, key: string): number[][] {
  const path = `${folder}/${file}`
  if (!files.has(path)) files.set(path, parseSafetensors(readFileSync(path)))
  return numbers(files.get(path)!.get(key)!)
}
const numbers = (ids: Tensor): number[][] => (ids.tolist() as number[][]).map(row => row.map(Number))
const casesOf = (path: string): PromptCase[] =>
  (JSON.parse(readFileSync(path, 'utf8')) as PromptCase[]).filter(({ text }) => text !== undefined)

for (const [dtype, file] of [
  ['fp32', 'verse/onnx/model'],
  ['q4', 'verse/onnx/model_q4'],
] as const) {
  test(`verse, ${dtype}: a text gives the ids, the mask and the positions of its case, padded ones too`, async t => {
    const model = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const cases = casesOf('test/fixtures/verse/cases.json').filter(each => each.model === file)
    t.true(cases.length > 5)
    for (const { id, text, inputs, file } of cases) {
      const names = Object.keys(inputs).filter(name => !name.startsWith('past'))
      const fed = await model.trace([...text], m => Object.fromEntries(names.map(name => [name, m.tensor(name)])))
      for (const name of names)
        t.deepEqual(numbers(fed[name]), tensorOf('test/fixtures/verse', file, inputs[name].tensor), `${id}: ${name}`)
    }
    await model.release()
  })

  test(`verse, ${dtype}: a text generates the text of its case, word for word`, async t => {
    const model = await LanguageModel.load('test/fixtures/models/verse', { dtype })
    const cases = casesOf('test/fixtures/verse/cases.json').filter(
      each => each.model === file && each.generate && each.decoded && each.edits.length === 0,
    )
    t.true(cases.length > 1)
    for (const { id, text, generate, decoded } of cases) {
      const { ids } = await model.generate([...text], { maxNewTokens: generate!.tokens, eosTokenId: [] })
      const texts = numbers(ids).map(row => model.decode(row, { skipSpecialTokens: true }))
      t.deepEqual(texts, [...decoded!], id)
    }
    await model.release()
  })
}

test('chars: the texts of the cases are their ids', async t => {
  const model = await LanguageModel.load('test/fixtures/models/chars.onnx')
  const cases = casesOf('test/fixtures/cases.json').filter(each => each.model.startsWith('chars'))
  t.true(cases.length > 50)
  for (const { id, text, inputs, file } of cases) {
    const due = tensorOf('test/fixtures', file, inputs.input_ids.tensor)
    t.deepEqual(
      model.tokens([...text]).map(({ ids }) => [...ids]),
      due.map((row, i) => row.slice(row.length - [...text[i]].length)),
      id,
    )
  }
  await model.release()
})

test('rows of an encoder are what each text is alone', async t => {
  const bert = JSON.parse(readFileSync('test/fixtures/batch/bert.json', 'utf8')) as {
    prompt: number[]
    result: number[][]
  }[]
  const model = await LanguageModel.load('test/fixtures/batch/bert.onnx', {
    tokenizer: {
      encode: text => ({ ids: text.split(' ').map(Number) }),
      decode: ids => ids.join(' '),
      token_to_id: Number,
      id_to_token: () => undefined,
      get_added_tokens_decoder: () => new Map(),
    },
  })
  const texts = bert.map(({ prompt }) => prompt.join(' '))
  const [{ name }] = model.signature.outputs
  const rows = (await model.run(texts))[name].tolist() as number[][]
  for (const [i, { result }] of bert.entries())
    for (const [k, value] of result.flat().entries()) t.true(Math.abs(rows[i].flat()[k] - value) < 1e-3, texts[i])
  await model.release()
})
