import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { load, type Model, save, type Tensor, tensor } from 'onnsight'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The bytes of all arrays, among which are keys and values. */
async function arrayBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return process.memoryUsage().arrayBuffers
}

test('steps keep no keys and values of earlier ones, also while their reads are held', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  const options = { maxNewTokens: 200 }
  const go = () =>
    model.generate([[860, 60, 12]], options, m => {
      m.model.layers[1].output = m.model.layers[1].output.mul(1.01)
      return m.lm_head.output.slice(':, -1').argmax(-1)
    })
  await model.generate([[860]], { maxNewTokens: 40 }, m => m.lm_head.output.slice(':, -1').argmax(-1))
  const before = await arrayBytes()
  const { values } = await go()
  const grown = (await arrayBytes()) - before
  t.is(values.length, 200)
  // All steps' keys and values together are 40 MB; those of one are at most 0.4 MB.
  t.true(grown < 15e6, `${grown} bytes`)
  await model.release()
})

test('what steps have left behind is free at once, and not after a collection of garbage', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  for (const options of [{}, { numBeams: 2 }]) {
    for (const block of [undefined, (m: Model) => m.lm_head.output.slice(':, -1').argmax(-1)]) {
      const sampled: number[] = []
      const onReport = () => void sampled.push(process.memoryUsage().arrayBuffers)
      const all = { maxNewTokens: 200, eosTokenId: [], onReport, ...options }
      await (block ? model.generate([[860, 60, 12]], all, block) : model.generate([[860, 60, 12]], all))
      t.is(sampled.length, 200)
      // Keys and values of one of these steps are 0.3 to 0.4 MB, and twice that for two rows.
      const growths = sampled.slice(1).map((bytes, step) => bytes - sampled[step])
      const median = growths.slice(150).sort((a, b) => a - b)[25]
      t.true(median < 1e5, `${median} bytes a step, ${JSON.stringify(options)}`)
    }
  }
  await model.release()
})

test('keys and values that a block reads are its own: they stay as they were', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  const options = { maxNewTokens: 6, eosTokenId: [] }
  let later: Tensor | undefined
  let earlier: Tensor | undefined
  const { values } = await model.generate([[860, 60, 12]], options, (m, step) => {
    if (step === 2) later = save(m.tensor('present.1.value'))
    if (step === 3) earlier = save(m.tensor('past_key_values.1.value').mul(1))
    return { made: m.tensor('present.0.key'), deep: new Map([['given', [m.tensor('past_key_values.0.value')]]]) }
  })
  const all = await model.generate([[860, 60, 12]], options, async m => ({
    key: await m.tensor('present.0.key').value(),
    value: await m.tensor('present.0.value').value(),
  }))
  for (const [i, { made, deep }] of values.entries()) {
    t.deepEqual(made.tolist(), all.values[i].key.tolist())
    if (i > 0) t.deepEqual(deep.get('given')![0].tolist(), all.values[i - 1].value.tolist())
  }
  t.is(later!.data.length, 2 * 5 * 32)
  t.deepEqual(earlier!.tolist(), later!.tolist())
  await model.release()
})

test('a cache that the caller passes stays as it was', async t => {
  const model = await load('test/fixtures/models/verse/onnx/model.onnx')
  const names = [0, 1, 2, 3].flatMap(i => [`past_key_values.${i}.key`, `past_key_values.${i}.value`])
  const passed = Object.fromEntries(
    names.map(name => [name, tensor(new Float32Array(128).fill(0.5), { dims: [1, 2, 2, 32] })]),
  )
  const inputs = { input_ids: [[60]], attention_mask: [[1, 1, 1]], position_ids: [[2]], ...passed }
  const runs = [1, 2].map(() => model.generate(inputs, { maxNewTokens: 5, eosTokenId: [] }))
  const [one, other] = await Promise.all(runs)
  t.deepEqual(one.ids.tolist(), other.ids.tolist())
  for (const name of names) t.deepEqual([...passed[name].data], new Array(128).fill(0.5))
  await model.release()
})
