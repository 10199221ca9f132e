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

/** Of 2,000 rows with the same prompt, how often each token was drawn; and what its softmax says. */
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

test('what makes no sense is refused before anything runs', async t => {
  const wrong: [object, RegExp][] = [
    [{}, /maxNewTokens is undefined/],
    [{ maxNewTokens: 0 }, /maxNewTokens is 0/],
    [{ maxNewTokens: 2, temperature: 0, seed: 1 }, /temperature is 0/],
    [{ maxNewTokens: 2, temperature: 1, seed: 0.5 }, /seed is 0.5/],
    [{ maxNewTokens: 2, topK: 0.5, seed: 1 }, /topK is 0.5/],
    [{ maxNewTokens: 2, topP: 2, seed: 1 }, /topP is 2/],
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
