import { inspect } from 'node:util'
import test from 'ava'
import { type GenerationCache, LanguageModel, load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { generate, trace } from 'onnsight/trace.macro'
import { near } from '../near.ts'

const FOLDER = 'test/fixtures/models/verse'
let model!: LanguageModel
let fused!: Model
test.before(async () => {
  model = await LanguageModel.load(FOLDER)
  fused = await load(`${FOLDER}/onnx/model_q4.onnx`)
})
test.after.always(async () => {
  await model?.release()
  await fused?.release()
})

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))
const idsOf = (text: string): number[] => [...model.tokenizer.encode(text, { add_special_tokens: false }).ids]
const ENDLESS = { eosTokenId: [] as number[] }
const PROMPT = 'KING HENRY VI:\nO God! methinks'
const MORE = ' my good lord,\nand'

/** Generates from the whole prompt, and from the cache. Checks that the tokens, and what the block reads at the last position, are equal. */
async function same(
  t: { deepEqual(a: unknown, b: unknown, message?: string): unknown; true(value: boolean, message?: string): unknown },
  one: Model,
  prompts: number[][],
  cache: GenerationCache,
  options: object = {},
): Promise<number> {
  const read = (m: Model): Tensor => m.lm_head.output.slice(':, -1')
  const settings = { maxNewTokens: 8, padTokenId: 1, ...ENDLESS, ...options }
  const anew = await one.generate(prompts, settings, read)
  let fed = 0
  const from = await one.generate(prompts, { ...settings, cache }, (m, step) => {
    if (step === 0) fed = m.lm_head.output.dims[1]!
    return m.lm_head.output.slice(':, -1')
  })
  t.deepEqual(rows(from.ids), rows(anew.ids))
  for (const [i, value] of from.values.entries()) t.true(near(value, anew.values[i], 1e-3), `step ${i}`)
  return fed
}

test('the next turn goes on from the cache: as the whole text anew, and only what is new is run', async t => {
  for (const one of [model as unknown as Model, fused]) {
    const first = await one.generate([idsOf(PROMPT)], { maxNewTokens: 8, ...ENDLESS })
    const whole = [...rows(first.ids)[0], ...idsOf(MORE)]
    t.is(first.cache!.tokens, rows(first.ids)[0].length - 1)
    t.is(first.cache!.bytes, 4 * 2 * 2 * first.cache!.tokens * 32 * 4)
    t.regex(inspect(first.cache), /GenerationCache \{ tokens: \d+, bytes: \d+ \}/)
    t.is(await same(t, one, [whole], first.cache!), idsOf(MORE).length + 1)
    t.is(
      await same(t, one, [whole], first.cache!, { repetitionPenalty: 1.4, noRepeatNgramSize: 2 }),
      idsOf(MORE).length + 1,
    )
    const second = await one.generate([whole], { maxNewTokens: 5, cache: first.cache!, ...ENDLESS })
    t.is(await same(t, one, [[...rows(second.ids)[0], 46, 12]], second.cache!), 3)
  }
})

test('a cache is forked: many go on from it, and it stays as it was', async t => {
  const { cache, ids } = await generate(model, PROMPT, { maxNewTokens: 4, ...ENDLESS }, m => m.lm_head.output)
  const start = rows(ids)[0]
  await Promise.all(
    [' my lord', '; and yet', '!'].map(end => same(t, model as never, [[...start, ...idsOf(end)]], cache!)),
  )
  t.is(
    await same(
      t,
      model as never,
      [' my lord', '; and', '!'].map(end => [...start, ...idsOf(end)]),
      cache!,
    ),
    3,
  )
  t.is(await same(t, model as never, [[...start, 46, 12]], cache!, { temperature: 1, seed: 3, numSequences: 3 }), 3)
})

test('a text that leaves the cached one is computed from there on', async t => {
  const { cache, ids } = await model.generate(PROMPT, { maxNewTokens: 8, ...ENDLESS })
  const whole = rows(ids)[0]
  for (const one of [model as unknown as Model]) {
    const changed = whole.with(10, 99)
    t.is(await same(t, one, [changed], cache!), whole.length - 10)
    t.is(await same(t, one, [whole.slice(0, 6)], cache!), 1)
    t.is(await same(t, one, [[7, ...whole]], cache!), whole.length + 1)
  }
})

test('rows of different lengths, that ended at different steps, each go on by themselves', async t => {
  const prompts = ['AUFIDIUS:\nI know thee, sir', PROMPT, 'ROMEO:'].map(idsOf)
  const first = await model.generate(prompts, { maxNewTokens: 12, eosTokenId: 12 })
  t.true(first.finishReason.includes('eos') && first.tokens.some(({ length }) => length < first.steps))
  const spoken = rows(first.ids).map((row, i) => {
    const padding = Math.max(...prompts.map(({ length }) => length)) - prompts[i].length
    return row.slice(padding, padding + prompts[i].length + first.tokens[i].length)
  })
  const next = spoken.map((row, i) => [...row, ...[idsOf(MORE), [46], [12, 12, 46]][i]])
  t.true((await same(t, model as never, next, first.cache!)) <= idsOf(MORE).length + 1)
})

test('a trace goes on from a cache', async t => {
  const { cache, text } = await model.generate(PROMPT, { maxNewTokens: 6, ...ENDLESS })
  const whole = PROMPT + text + MORE
  const due = await trace(model, whole, () => model.lm_head.output.slice(':, -1'))
  const got = await trace(model, cache!.inputs(whole), () => {
    const logits = model.lm_head.output
    return { last: logits.slice(':, -1'), length: logits.dims[1] }
  })
  t.true(near(got.last, due))
  t.true(got.length! < idsOf(whole).length / 2)
})

test('what does not fit is refused', async t => {
  const { cache } = await model.generate([idsOf(PROMPT), idsOf(PROMPT)], { maxNewTokens: 2, ...ENDLESS })
  const wrong: [Promise<unknown>, RegExp][] = [
    [fused.generate([[860, 60]], { maxNewTokens: 1, cache: cache! }), /made by another model/],
    [model.generate(['a', 'b', 'c'], { maxNewTokens: 1, cache: cache! }), /cache has 2 rows, and there are 3 prompts/],
    [model.generate('a', { maxNewTokens: 1, cache: {} as never }), /cache is no cache of a generation/],
  ]
  for (const [generation, message] of wrong) {
    const error = (await t.throwsAsync(generation)) as OnnsightError
    t.is(error.code, 'generate')
    t.regex(error.message, message)
  }
  t.is((await model.generate('a', { maxNewTokens: 2, numBeams: 2 })).cache, undefined)
  const plain = await load('test/fixtures/models/chars.onnx')
  t.is((await plain.generate([[1, 2]], { maxNewTokens: 2 })).cache, undefined)
  await plain.release()
})
