import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'

const prompt = [[18, 47, 56, 57]]
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars-cache.onnx')
})
test.after.always(async () => model?.release())

const rows = (ids: Tensor): number[][] => (ids.tolist() as bigint[][]).map(row => row.map(Number))

test('the same seed draws the same tokens, another one others', async t => {
  const draw = async (seed: number) =>
    rows((await model.generate(prompt, { maxNewTokens: 20, temperature: 1, seed })).ids)
  t.deepEqual(await draw(1), await draw(1))
  t.notDeepEqual(await draw(1), await draw(2))
})

test('only one to choose from, or next to no temperature, is the likeliest', async t => {
  const due = rows((await model.generate(prompt, { maxNewTokens: 15 })).ids)
  for (const options of [{ topK: 1 }, { topP: 1e-6 }, { temperature: 1e-4 }])
    t.deepEqual(rows((await model.generate(prompt, { maxNewTokens: 15, seed: 3, ...options })).ids), due)
})

/** How often each token was drawn in 2,000 rows with the same prompt, and the token's probability. */
async function drawn(options: { temperature?: number; topK?: number; topP?: number }) {
  const count = 2000
  const { ids, values } = await model.generate(
    Array.from({ length: count }, () => [18, 47]),
    { maxNewTokens: 1, seed: 5, ...options },
    m =>
      m.lm_head.output
        .slice('0, -1')
        .div(options.temperature ?? 1)
        .softmax(-1),
  )
  const often = new Array<number>(65).fill(0)
  for (const row of rows(ids)) often[row[2]] += 1 / count
  return { often, likely: [...(values[0].data as Float32Array)], count }
}

test('tokens are drawn as often as they are likely', async t => {
  for (const temperature of [1, 2]) {
    const { often, likely, count } = await drawn({ temperature })
    for (const [token, p] of likely.entries())
      t.true(
        Math.abs(often[token] - p) <= 5 * Math.sqrt((p * (1 - p)) / count) + 1e-3,
        `${token}: ${often[token]}, ${p}`,
      )
  }
})

test('topK and topP leave the likeliest, in their proportions', async t => {
  const { likely } = await drawn({ temperature: 2 })
  const order = likely.map((p, token) => ({ p, token })).sort((a, b) => b.p - a.p)
  const byK = order.slice(0, 4)
  let sum = 0
  const byP = order.filter(({ p }) => {
    sum += p
    return sum - p < 0.6
  })
  for (const [options, left] of [
    [{ temperature: 2, topK: 4 }, byK],
    [{ temperature: 2, topP: 0.6 }, byP],
  ] as const) {
    const { often, count } = await drawn(options)
    const total = left.reduce((all, { p }) => all + p, 0)
    t.is(
      often.reduce((all, p, token) => (left.some(one => one.token === token) ? all : all + p), 0),
      0,
    )
    for (const { p, token } of left) {
      const due = p / total
      t.true(Math.abs(often[token] - due) <= 5 * Math.sqrt((due * (1 - due)) / count))
    }
  }
})

test('the model’s vocabulary ends where a word to be kept out does not', async t => {
  for (const options of [{ badWords: [[3], [1, 65]] }, { suppressTokens: [65] }, { beginSuppressTokens: [99] }]) {
    const error = (await t.throwsAsync(model.generate(prompt, { maxNewTokens: 2, ...options }))) as OnnsightError
    t.is(error.code, 'generate')
    t.regex(error.message, /has the id (65|99), and the model’s vocabulary has 65 tokens: 0 to 64/)
  }
})

test('penalties of OpenAI: each token loses by whether it was generated, and by how often', async t => {
  for (const [presencePenalty, frequencyPenalty] of [
    [1.5, 0],
    [0, 0.7],
    [0.4, 0.3],
  ]) {
    const { ids, values } = await model.generate(prompt, { maxNewTokens: 25, presencePenalty, frequencyPenalty }, m =>
      m.lm_head.output.slice('0, -1'),
    )
    const added = rows(ids)[0].slice(prompt[0].length)
    for (const [step, logits] of values.entries()) {
      const changed = [...(logits.data as Float32Array)].map((logit, token) => {
        const count = added.slice(0, step).filter(one => one === token).length
        return logit - (count > 0 ? presencePenalty : 0) - frequencyPenalty * count
      })
      t.is(added[step], changed.indexOf(Math.max(...changed)), `step ${step}`)
    }
    t.notDeepEqual(added, rows((await model.generate(prompt, { maxNewTokens: 25 })).ids)[0].slice(prompt[0].length))
  }
})

test('several sequences of a prompt are drawn as rows of that prompt are', async t => {
  const prompts = [
    [18, 47, 56, 57],
    [1, 2],
  ]
  const options = { maxNewTokens: 12, temperature: 1, seed: 4 }
  const { ids, finishReason } = await model.generate(prompts, { ...options, numSequences: 3 }, m => m.lm_head.output)
  const due = await model.generate([...Array(3).fill(prompts[0]), ...Array(3).fill(prompts[1])], options)
  t.deepEqual(rows(ids), rows(due.ids))
  t.is(new Set(rows(ids).map(String)).size, 6)
  t.deepEqual(finishReason, new Array(6).fill('length'))
})

test('draws are switched off and on by doSample', async t => {
  const draw = async (options: object) =>
    String(rows((await model.generate(prompt, { maxNewTokens: 20, seed: 3, ...options })).ids))
  t.is(await draw({ doSample: false, temperature: 1, topK: 9 }), await draw({}))
  t.is(await draw({ doSample: true }), await draw({ temperature: 1 }))
  t.not(await draw({ doSample: true }), await draw({}))
  t.is((await model.generate(prompt, { maxNewTokens: 1, doSample: false, temperature: 1 })).seed, undefined)
})

test('a token to stop at ends a row, which says so', async t => {
  const { ids } = await model.generate(prompt, { maxNewTokens: 20 })
  const added = rows(ids)[0].slice(4)
  const at = added.findIndex((token, i) => i > 2 && added.indexOf(token) === i)
  const stopped = await model.generate(prompt, { maxNewTokens: 20, stopTokens: [added[at]] })
  t.deepEqual(rows(stopped.ids)[0].slice(4), added.slice(0, at + 1))
  t.deepEqual([stopped.steps, stopped.finishReason], [at + 1, ['stop']])
  const both = await model.generate(prompt, { maxNewTokens: 20, stopTokens: [added[at]], eosTokenId: added[at] })
  t.deepEqual(both.finishReason, ['eos'])
  const early = await model.generate(prompt, { maxNewTokens: 20, numBeams: 2, stopTokens: [added[0]] })
  t.true(early.finishReason.every(reason => reason === 'stop' || reason === 'length'))
})

test('beams in a block: it sees a row for each beam, and what it writes decides; stop() gives what there is', async t => {
  const forced = new Float32Array(65)
  forced[10] = 100
  forced[11] = 99.5
  const { ids, values } = await model.generate(prompt, { maxNewTokens: 3, numBeams: 2, numSequences: 2 }, m => {
    m.lm_head.output = m.lm_head.output.mul(0).add(forced)
    return m.transformer.h[1].output
  })
  t.deepEqual(rows(ids)[0].slice(4), [10, 10, 10])
  t.is(
    rows(ids)[1]
      .slice(4)
      .filter(token => token === 11).length,
    1,
  )
  t.deepEqual(
    values.map(({ dims }) => dims[0]),
    [2, 2, 2],
  )
  const { stop } = await import('onnsight')
  const ended = await model.generate(prompt, { maxNewTokens: 9, numBeams: 2 }, (_, step) => {
    if (step === 2) stop()
  })
  t.deepEqual([ended.ids.dims, ended.finishReason], [[1, 7], ['stop']])
})

test('what makes no sense is refused before anything runs', async t => {
  const wrong: [object, RegExp][] = [
    [{}, /maxNewTokens is undefined/],
    [{ maxNewTokens: 0 }, /maxNewTokens is 0/],
    [{ maxNewTokens: 2, temperature: 0, seed: 1 }, /temperature is 0/],
    [{ maxNewTokens: 2, temperature: 1, seed: 0.5 }, /seed is 0.5/],
    [{ maxNewTokens: 2, topK: 0.5, seed: 1 }, /topK is 0.5/],
    [{ maxNewTokens: 2, topP: 2, seed: 1 }, /topP is 2/],
    [{ maxNewTokens: 2, minP: 2 }, /minP is 2, and must be from 0 to 1/],
    [{ maxNewTokens: 2, typicalP: 0 }, /typicalP is 0/],
    [{ maxNewTokens: 2, doSample: 'yes' }, /doSample is "yes", and must be true or false/],
    [{ maxNewTokens: 2, repetitionPenalty: 0 }, /repetitionPenalty is 0/],
    [{ maxNewTokens: 2, presencePenalty: Number.NaN }, /presencePenalty is NaN/],
    [{ maxNewTokens: 2, frequencyPenalty: '1' }, /frequencyPenalty is "1"/],
    [{ maxNewTokens: 2, noRepeatNgramSize: 1.5 }, /noRepeatNgramSize is 1.5/],
    [{ maxNewTokens: 2, badWords: [7] }, /badWords is 7, and must be a list of texts or lists of token ids/],
    [{ maxNewTokens: 2, badWords: [[]] }, /badWords is/],
    [{ maxNewTokens: 2, suppressTokens: [-1] }, /suppressTokens is -1/],
    [{ maxNewTokens: 2, minNewTokens: -1 }, /minNewTokens is -1/],
    [{ maxNewTokens: 2, eosTokenId: 'x' }, /eosTokenId is "x"/],
    [{ maxNewTokens: 2, stopTokens: 5 }, /stopTokens is 5, and must be a list/],
    [{ maxNewTokens: 2, padTokenId: -3 }, /padTokenId is -3/],
    [{ maxNewTokens: 2, numSequences: 0 }, /numSequences is 0/],
    [{ maxNewTokens: 2, numSequences: 2 }, /numSequences is 2, but the likeliest tokens are the same each time/],
    [{ maxNewTokens: 2, numBeams: 2, numSequences: 3 }, /numSequences is 3, but there are only 2 beams/],
    [{ maxNewTokens: 2, numBeams: 2, topK: 3 }, /Beams are searched for, not drawn/],
    [{ maxNewTokens: 2, numBeams: 1.5 }, /numBeams is 1.5/],
    [{ maxNewTokens: 2, earlyStopping: 'always' }, /earlyStopping is "always"/],
    [{ maxNewTokens: 2, logits: 'logit' }, /no output logit; its outputs are logits, present/],
  ]
  for (const [options, message] of wrong) {
    const error = (await t.throwsAsync(model.generate(prompt, options as never, () => t.fail()))) as OnnsightError
    t.is(error.code, 'generate')
    t.regex(error.message, message)
    t.regex(error.message, /Do this: /)
  }
  const inputs: [unknown, RegExp][] = [
    [[[]], /row of input_ids is empty/],
    [[1, 2], /input_ids is not a list of rows/],
    [[[1.5]], /input_ids is not a list of rows/],
    [{}, /given no input_ids/],
    [{ input_ids: prompt, inputs_ids: prompt }, /no input inputs_ids. Did you mean input_ids/],
  ]
  for (const [given, message] of inputs)
    t.regex((await t.throwsAsync(model.generate(given as never, { maxNewTokens: 1 }))).message, message)
})
