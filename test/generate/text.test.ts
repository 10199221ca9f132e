import { readFileSync } from 'node:fs'
import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { LanguageModel, load, type OnnsightError, type SoFar, type Tensor } from 'onnsight'
import { generate } from 'onnsight/trace.macro'
import { RowText } from '#dist/runtime/generate/row-text.js'

const FOLDER = 'test/fixtures/models/verse'
let model!: LanguageModel
test.before(async () => {
  model = await LanguageModel.load(FOLDER)
})
test.after.always(async () => model?.release())

const PROMPT = 'KING HENRY VI:\nO God! methinks'
const ENDLESS = { eosTokenId: [] as number[] }
const idsOf = (text: string): number[] => [...model.tokenizer.encode(text, { add_special_tokens: false }).ids]
const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))

/** Whether a text has no half of a character. */
const isWhole = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** Generates this text, whatever the model predicts, because the logits of each step are written. */
const force = (text: string) => {
  const ids = idsOf(text)
  return (m: LanguageModel, step: number): void => {
    const forced = new Float32Array(1024)
    forced[ids[step % ids.length]] = 1000
    m.lm_head.output = m.lm_head.output.mul(0).add(forced)
  }
}

/** Logits written for a text, and how many steps that takes. */
const forcing = (text: string) => ({
  options: { maxNewTokens: idsOf(text).length, ...ENDLESS },
  block: force(text) as never,
})

test('the texts of the cases, word for word, from text prompts', async t => {
  interface Case {
    readonly id: string
    readonly text: string[]
    readonly decoded: string[]
    readonly edits: unknown[]
    readonly generate?: { readonly tokens: number }
  }
  const cases = JSON.parse(readFileSync('test/fixtures/verse/cases.json', 'utf8')) as Case[]
  const own = cases.filter(({ id, edits, generate }) => id.startsWith('float/') && generate && edits.length === 0)
  t.is(own.length, 3)
  for (const { id, text: prompts, decoded, generate } of own) {
    const { text } = await model.generate(prompts, { maxNewTokens: generate!.tokens, ...ENDLESS })
    t.deepEqual(
      text.map((added, i) => prompts[i] + added),
      decoded,
      id,
    )
  }
})

test('one text gives one text; lists, ids and several sequences give lists', async t => {
  const one = await model.generate(PROMPT, { maxNewTokens: 8 })
  const text: string = one.text
  t.is(text, ', and I am a king,\n')
  t.is(one.tokens.join(''), text)
  const list = await generate(model, [PROMPT], { maxNewTokens: 8 }, m => m.lm_head.output)
  t.deepEqual(list.text satisfies readonly string[], [text])
  t.deepEqual(list.tokens, [one.tokens])
  const ids = await model.generate([idsOf(PROMPT)], { maxNewTokens: 8 })
  t.deepEqual(ids.text satisfies readonly string[], [text])
  const several = await model.generate(PROMPT, { maxNewTokens: 8, numBeams: 2, numSequences: 2 })
  t.is((several.text satisfies readonly string[]).length, 2)
  const chat = await model.generate([{ role: 'user', content: 'Who is there?' }], { maxNewTokens: 8 })
  const alone = await model.generate(model.chatText([{ role: 'user', content: 'Who is there?' }]), { maxNewTokens: 8 })
  t.is(chat.text satisfies string, alone.text)
  t.is((await model.generate('ROMEO:', { maxNewTokens: 3 })).steps, 3)
})

test('the stream’s pieces are the text; no piece has half a character', async t => {
  for (const text of ['naïve café 🙂🙃 ΚΑΛΗ', 'plain words, and more', '👩‍👩‍👧 日本語\n\n', 'ends with �']) {
    const { options, block } = forcing(text)
    const pieces: string[] = []
    const generation = model.generate(PROMPT, options, block)
    for await (const piece of generation.textStream) pieces.push(piece)
    const result = await generation
    t.is(result.text, text)
    t.is(pieces.join(''), text)
    t.true(pieces.length > 3)
    for (const piece of pieces) t.true(isWhole(piece) && (!piece.includes('\ufffd') || text.includes('\ufffd')))
    t.true(pieces.every(piece => piece !== ''))
  }
})

test('pieces come while the generation goes on, through the macro and a block that reads too', async t => {
  const seen: [string, number][] = []
  let steps = 0
  const generation = generate(model, PROMPT, { maxNewTokens: 6 }, (m, step) => {
    steps = step
    return m.model.layers[1].output.slice(':, -1')
  })
  for await (const piece of generation.textStream) seen.push([piece, generation.soFar!.steps])
  const { text, values } = await generation
  t.is(seen.map(([piece]) => piece).join(''), text)
  t.deepEqual([values.length, steps], [6, 5])
  t.true(seen[0][1] < 6)
})

test('onText gets the pieces of every sequence; beams give theirs at the end', async t => {
  const prompts = ['ROMEO:', PROMPT, 'JULIET:\nO']
  for (const options of [{}, { numBeams: 3 }]) {
    const pieces: string[][] = prompts.map(() => [])
    const onText = (piece: string, sequence: number): void => void pieces[sequence].push(piece)
    const { text } = await model.generate(prompts, { maxNewTokens: 12, onText, ...options })
    t.deepEqual(
      pieces.map(own => own.join('')),
      text,
    )
    t.is(pieces[0].length > 1, !('numBeams' in options))
  }
})

test('who leaves the stream ends the generation', async t => {
  const generation = model.generate(PROMPT, { maxNewTokens: 60, ...ENDLESS })
  for await (const piece of generation.textStream) if (piece.includes('king')) break
  const { steps, finishReason, text } = await generation
  t.true(steps < 20)
  t.deepEqual(finishReason, ['stop'])
  t.regex(text, /^, and I am a king/)
})

test('stop strings are cut from the text, wherever they begin and end in tokens', async t => {
  const whole = (await model.generate(PROMPT, { maxNewTokens: 24, ...ENDLESS })).text
  t.regex(whole, /my lord/)
  for (const stop of [',', ' a k', 'ing', 'g,\nA', 'y lord, I', '\n']) {
    const pieces: string[] = []
    const generation = model.generate(PROMPT, { maxNewTokens: 24, stopStrings: ['never', stop] })
    for await (const piece of generation.textStream) pieces.push(piece)
    const { text, ids, finishReason, steps } = await generation
    t.is(text, whole.slice(0, whole.indexOf(stop)), stop)
    t.is(pieces.join(''), text)
    t.deepEqual(finishReason, ['stop'])
    t.true(model.decode(rows(ids)[0].slice(-steps)).includes(stop))
  }
  const each = await model.generate(['ROMEO:', PROMPT], { maxNewTokens: 20, stopStrings: 'king', ...ENDLESS })
  t.deepEqual(each.text[1], whole.slice(0, whole.indexOf('king')))
  t.false(each.text.some(text => text.includes('king')))
})

test('law: however the tokens come, the pieces make the text up to the first stop string', t => {
  const words = fc.array(fc.constantFrom('a', 'ab', ' the', '🙂', 'é', '\n', 'Κ', 'my lord', '日', ' '), {
    maxLength: 14,
  })
  const stops = fc.array(fc.constantFrom('ab', 'b my', '🙂', ' the the', 'é\n', '日日'), { maxLength: 2 })
  t.notThrows(() =>
    fc.assert(
      fc.property(words, words, stops, fc.array(fc.integer({ min: 1, max: 4 })), (before, after, own, sizes) => {
        const [prompt, added] = [idsOf(before.join('')), idsOf(after.join(''))]
        const language = { decode: (ids: readonly number[]) => model.decode(ids) }
        const text = new RowText(language, prompt, own)
        const pieces: string[] = []
        let count = 0
        for (let i = 0; count < added.length; i++) {
          count = Math.min(added.length, count + (sizes[i % Math.max(1, sizes.length)] ?? 1))
          pieces.push(text.take(added.slice(0, count)))
        }
        pieces.push(text.take(added, true))
        const whole = after.join('')
        const ends = own.map(stop => whole.indexOf(stop)).filter(at => at >= 0)
        return (
          pieces.join('') === whole.slice(0, Math.min(whole.length, ...ends)) &&
          text.stopped === ends.length > 0 &&
          pieces.every(piece => isWhole(piece) && !piece.includes('\ufffd'))
        )
      }),
      { numRuns: 300 },
    ),
  )
})

test('on an error or an abort the text so far comes with it', async t => {
  const full = (await model.generate(PROMPT, { maxNewTokens: 5 })).text
  const failing = model.generate(PROMPT, { maxNewTokens: 20 }, (_, step) => {
    if (step === 5) throw new RangeError('mine')
  })
  const error = await t.throwsAsync(failing, { instanceOf: RangeError, message: /mine/ })
  t.is((error as unknown as { generated: SoFar<string> }).generated.text, full)
  t.deepEqual([failing.soFar?.text, failing.soFar?.steps], [full, 5])

  const controller = new AbortController()
  const aborted = model.generate(PROMPT, { maxNewTokens: 20, signal: controller.signal }, (_, step) => {
    if (step === 4) controller.abort(new Error('enough'))
  })
  const pieces: string[] = []
  await t.throwsAsync(
    async () => {
      for await (const piece of aborted.textStream) pieces.push(piece)
    },
    { message: 'enough' },
  )
  await t.throwsAsync(aborted, { message: 'enough' })
  t.is(aborted.soFar?.steps, 4)
  t.is(pieces.join(''), full.slice(0, pieces.join('').length))
  t.true(pieces.length > 0)
  await t.throwsAsync(model.generate(PROMPT, { maxNewTokens: 3, signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  })
})

test('bad words as texts: with a space before them and without', async t => {
  const { text } = await model.generate(PROMPT, { maxNewTokens: 24, badWords: ['king', ' I'], ...ENDLESS })
  t.false(/king| I\b/.test(text))
  t.not(text, (await model.generate(PROMPT, { maxNewTokens: 24, ...ENDLESS })).text)
})

async function withConfig(config: object): Promise<LanguageModel> {
  const folder = await mkdtemp(join(tmpdir(), 'onnsight-generation-'))
  await cp(FOLDER, folder, { recursive: true, filter: path => !/_(fp16|int8|q4)\.onnx$/.test(path) })
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify(config))
  return LanguageModel.load(folder)
}

test('generation_config.json is the default, and what the caller says wins', async t => {
  const own = await withConfig({
    eos_token_id: [12, 46],
    max_new_tokens: 7,
    do_sample: true,
    temperature: 0.9,
    top_k: 0,
    top_p: 1,
    repetition_penalty: 1.2,
    diversity_penalty: 0.5,
    forced_eos_token_id: null,
    transformers_version: '5.0.0',
  })
  const usual = await own.generate(PROMPT, { seed: 1 })
  const due = await model.generate(PROMPT, {
    maxNewTokens: 7,
    eosTokenId: [12, 46],
    temperature: 0.9,
    repetitionPenalty: 1.2,
    seed: 1,
  })
  t.deepEqual([rows(usual.ids), usual.finishReason], [rows(due.ids), due.finishReason])
  t.deepEqual(usual.ignored, ['diversity_penalty'])
  const greedy = await own.generate(PROMPT, {
    doSample: false,
    repetitionPenalty: 1,
    eosTokenId: [],
    maxNewTokens: 9,
  })
  t.deepEqual(rows(greedy.ids), rows((await model.generate(PROMPT, { maxNewTokens: 9, ...ENDLESS })).ids))
  t.is(greedy.seed, undefined)
  const beams = { numBeams: 3, repetitionPenalty: 1 }
  t.deepEqual(
    rows((await own.generate(PROMPT, beams)).ids),
    rows((await model.generate(PROMPT, { ...beams, maxNewTokens: 7, eosTokenId: [12, 46] })).ids),
  )
  await own.release()
  const short = await withConfig({ max_length: 20 })
  const width = idsOf(PROMPT).length
  t.is((await short.generate(PROMPT)).steps, 20 - width)
  const error = (await t.throwsAsync(short.generate(`${PROMPT} ${PROMPT}`))) as OnnsightError
  t.is(error.code, 'generate')
  t.regex(error.message, /allows 20 with what is added/)
  await short.release()
})

test('what needs a tokenizer says so where there is none', async t => {
  const plain = await load(`${FOLDER}/onnx/model.onnx`)
  const result = await plain.generate([[860, 60]], { maxNewTokens: 2 })
  t.is(result.ids.dims[1], 4)
  for (const read of [() => result.text, () => result.tokens])
    t.throws(read, { message: /There is no text: the model was loaded without a tokenizer/ })
  const wrong: [object, RegExp][] = [
    [{ stopStrings: 'x' }, /stopStrings has texts, but the model was loaded without a tokenizer/],
    [{ badWords: ['x'] }, /badWords has texts/],
    [{ onText: () => undefined }, /onText gives texts/],
  ]
  for (const [options, message] of wrong)
    t.regex((await t.throwsAsync(plain.generate([[860]], { maxNewTokens: 2, ...options }))).message, message)
  const read = async (generation: { readonly textStream: AsyncIterable<string> }): Promise<void> => {
    for await (const _ of generation.textStream);
  }
  await t.throwsAsync(read(plain.generate([[860]], { maxNewTokens: 2 })), { message: /textStream gives texts/ })
  await t.throwsAsync(read(model.generate(['a', 'b'], { maxNewTokens: 2 })), { message: /there are 2/ })
  await t.throwsAsync(read(model.generate('a', { maxNewTokens: 0 })), { message: /maxNewTokens is 0/ })
  await t.throwsAsync(model.generate('a', { stopStrings: [''] }), { message: /stopStrings is/ })
  await plain.release()
})
