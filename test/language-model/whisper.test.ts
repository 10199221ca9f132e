import { readFileSync } from 'node:fs'
import test from 'ava'
import { LanguageModel, tensor } from 'onnsight'
import { ablate, attentionScores, logitLens, type Metric, patchActivations } from 'onnsight/study'
import { generate } from 'onnsight/trace.macro'

// A small Whisper as Optimum exports it; reference.json has what transformers computes (test/reference/make_whisper.py).

const folder = 'test/fixtures/whisper'
const reference = JSON.parse(readFileSync(`${folder}/reference.json`, 'utf8')) as {
  readonly features: number[][][]
  readonly ids: number[][]
  readonly prompt: number[][]
  readonly logits: number[]
  readonly lens: number[][]
  readonly cross: number[][][]
  readonly own: number[][][]
  readonly withoutMlp: number[][]
}
const model = await LanguageModel.load(folder)
test.after.always(() => model.release())

const [first] = reference.features
const prompt = { input_features: [first], decoder_input_ids: reference.prompt } as never
const off = (got: unknown, due: unknown): number => {
  const [left, right] = [got, due].map(value => [value].flat(9) as number[])
  const size = Math.max(...right.map(Math.abs))
  return left.length === right.length ? Math.max(...left.map((x, i) => Math.abs(x - right[i]))) / size : Number.NaN
}

test('a text is generated from the features of a sound, with the tokens of transformers', async t => {
  for (const [row, due] of reference.ids.entries()) {
    const { ids, text } = await model.generate({ input_features: [reference.features[row]] }, { maxNewTokens: 9 })
    // Whisper's texts begin with two tokens that its files name; transformers leaves them out.
    t.deepEqual((ids.tolist() as bigint[][])[0].map(Number), [37, 38, ...due])
    t.deepEqual(text, [model.decode(due)])
  }
  const both = await model.generate({ input_features: reference.features }, { maxNewTokens: 9 })
  t.deepEqual(
    (both.ids.tolist() as bigint[][]).map(row => row.slice(2).map(Number)),
    reference.ids,
  )
})

test('an edit in every step changes the text; a prompt of the decoder’s own is gone on from', async t => {
  const { ids, values } = await generate(model, { input_features: [first] }, { maxNewTokens: 9 }, m => {
    m.model.decoder.layers[1].fc2.output = 0
    return m.model.decoder.layers[1].output.slice(':, -1')
  })
  t.notDeepEqual((ids.tolist() as bigint[][])[0].slice(2).map(Number), reference.ids[0])
  t.is(values.length, 9)
  for (const name of ['decoder_input_ids', 'input_ids']) {
    const inputs = { input_features: [first], [name]: [[37, 38, ...reference.ids[0].slice(0, 4)]] }
    const further = await model.generate(inputs, { maxNewTokens: 5 })
    t.deepEqual((further.ids.tolist() as bigint[][])[0].slice(2).map(Number), reference.ids[0])
  }
})

test('a trace takes the features: the encoder runs before it', async t => {
  const found = await model.trace(prompt, m => ({
    own: m.model.decoder.layers[1].self_attn.heads.pattern,
    cross: m.hooks['blocks.1.cross_attn.hook_pattern'],
    logits: m.proj_out.output.slice('0, -1'),
  }))
  t.true(off(found.own.tolist(), [reference.own]) < 1e-5)
  t.true(off(found.cross.tolist(), [reference.cross]) < 1e-5)
  t.true(off(found.logits.tolist(), reference.logits) < 1e-5)
  const plain = await model.run({ input_features: reference.features })
  t.deepEqual(plain.logits.dims, [2, 2, 40])
  t.truthy((await model.scan(prompt)).modules['model.decoder.layers.1'])
  const { logits } = await model.run({ input_features: tensor([first]), decoder_input_ids: 'ab' } as never)
  t.deepEqual(logits.dims, [1, 2, 40])
})

test('studies read the decoder: its lens, its own heads, and an MLP that is no module', async t => {
  const lens = await logitLens(model, prompt, { keepLogits: true })
  const last = await lens.logits!.slice(':, 0, -1').softmax(-1).value()
  t.true(off(last.tolist(), reference.lens) < 1e-5)
  const scores = await attentionScores(model, prompt)
  const mean = [0, 1].map(
    head => reference.own[head].slice(1).reduce((sum, row, i) => sum + row[i], 0) / (reference.own[head].length - 1),
  )
  t.true(off((scores.previous.tolist() as number[][])[1], mean) < 1e-5)
  const logProbability = (logits: readonly number[], id: number): number =>
    logits[id] - Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0))
  const without = await ablate(model, prompt, {
    part: 'mlp',
    metric: { name: 'logit', measure: logits => logits.select(1, -1).logSoftmax(-1).select(-1, 9) },
  })
  const moved = reference.withoutMlp.map(logits => logProbability(logits, 9) - logProbability(reference.logits, 9))
  t.true(off(without.effects.tolist(), moved) < 1e-4)
  t.true(Math.max(...moved.map(Math.abs)) > 0.01)
})

test('patching carries one sound’s values into another’s run', async t => {
  const corrupted = { input_features: [reference.features[1]], decoder_input_ids: reference.prompt } as never
  const metric: Metric = { name: 'logit', measure: logits => logits.select(1, -1).select(-1, 9) }
  for (const part of ['residual', 'head'] as const) {
    const patched = await patchActivations(model, {
      clean: prompt,
      corrupted,
      metric,
      part,
      by: 'layer',
    })
    t.true(Math.abs(patched.clean - reference.logits[9]) < 1e-4)
    t.true(
      ([patched.recovered.tolist()].flat(3) as number[]).some(share => Math.abs(share) > 0.01),
      part,
    )
  }
})

test('refused: a text, which the encoder of sounds does not take', t =>
  t.throwsAsync(model.run('hello'), { code: 'prompt', message: /takes input_features, and no text/ }))
