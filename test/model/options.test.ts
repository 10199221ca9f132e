import test from 'ava'
import { load, type OnnsightError, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'

const model = await load('test/fixtures/models/chars.onnx')
const verse = await load('test/fixtures/models/verse/onnx/model_q4.onnx')
const ids = [[18, 47, 56]]

/** Calls with an option that does not exist, and the advice what to write instead. */
const wrong: Record<string, [() => unknown, RegExp]> = {
  'generate: beams': [() => model.generate(ids, { maxNewTokens: 1, beams: 2 } as never), /write numBeams/],
  'generate: of transformers': [
    () => model.generate(ids, { maxNewTokens: 1, num_return_sequences: 2 } as never),
    /write numSequences/,
  ],
  'generate: temp': [() => model.generate(ids, { maxNewTokens: 1, temp: 2 } as never), /has no option temp/],
  'generate: snake case': [() => model.generate(ids, { max_new_tokens: 1 } as never), /write maxNewTokens/],
  'edit: inPlace': [() => model.edit({ inPlace: true } as never, () => {}), /write inplace/],
  'save: weight': [() => model.save('/tmp/never.onnx', { weight: 'embedded' } as never), /write weights/],
  'trace: sginal': [() => model.trace(ids, { sginal: 1 } as never, m => m.lm_head.output), /write signal/],
  'load: thread': [() => load('test/fixtures/models/chars.onnx', { thread: 1 } as never), /write threads/],
  'sum: keep': [() => tensor([[1, 2]]).sum(-1, { keep: true } as never), /use one of its options: keepdim/],
  'topk: largets': [() => tensor([[1, 2]]).topk(1, -1, { largets: true } as never), /write largest/],
  'tensor: typ': [() => tensor([1], { typ: 'int32' } as never), /write type/],
}

for (const [name, [call, message]] of Object.entries(wrong))
  test(`${name} is refused, with what was meant`, async t => {
    const error = (await t.throwsAsync(async () => call())) as OnnsightError
    t.is(error.code, 'unknown-option')
    t.regex(error.message, message)
  })

test('spellings of NumPy and PyTorch that mean the same are taken', async t => {
  const x = tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { dtype: 'float64' } as never,
  )
  t.is(x.type, 'float64')
  t.deepEqual((await x.sum(-1, { keepdims: true } as never).value()).tolist(), [[3], [7]])
  t.deepEqual((await x.std(0, { ddof: 0 } as never).value()).tolist(), [1, 1])
  t.deepEqual(tensor([1, 2, 3, 4], { shape: [2, 2] } as never).dims, [2, 2])
  t.deepEqual(tensor([1, 2, 3, 4], [4, 1]).dims, [4, 1])
})

test('tokens are drawn without a seed, and the one that was used draws them again', async t => {
  const options = { maxNewTokens: 12, temperature: 1.5 }
  const first = await model.generate(ids, options)
  t.is(typeof first.seed, 'number')
  const again = await model.generate(ids, { ...options, seed: first.seed! })
  t.deepEqual(again.ids.tolist(), first.ids.tolist())
  const others = await Promise.all([1, 2, 3].map(() => model.generate(ids, options)))
  t.true(others.some(other => String(other.ids.tolist()) !== String(first.ids.tolist())))
  t.is((await model.generate(ids, { maxNewTokens: 1 })).seed, undefined)
})

/** Prompts that a model can't take. */
const prompts: Record<string, [() => unknown, RegExp]> = {
  'an id beyond the vocabulary': [() => model.run([[65]]), /has the id 65, and the model’s vocabulary has 65 tokens/],
  'an id beyond a vocabulary of 4 bits': [() => verse.run([[1024]]), /vocabulary has 1024 tokens/],
  'a prompt beyond the context': [
    () => model.run([new Array(129).fill(1)]),
    /129 tokens, but the model has only 128 positions/,
  ],
  'a prompt beyond the rotary table': [
    () => verse.run([new Array(257).fill(2)]),
    /257 tokens, but the model has only 256 positions/,
  ],
  'no tokens': [() => model.run([[]]), /has no tokens/],
}

for (const [name, [call, message]] of Object.entries(prompts))
  test(`${name}: refused before the run, with the limit`, async t => {
    const error = (await t.throwsAsync(async () => call())) as OnnsightError
    t.is(error.code, 'input')
    t.regex(error.message, message)
  })

test('prompts as long as the context run', async t => {
  t.deepEqual((await model.run([new Array(128).fill(1)])).logits.dims, [1, 128, 65])
  t.deepEqual((await verse.run([new Array(256).fill(2)])).logits.dims, [1, 256, 1024])
})

test('rows may be typed arrays, and tensors may be onnxruntime’s', async t => {
  const expected = (await model.run(ids)).logits.tolist()
  t.deepEqual((await model.run([new Int32Array(ids[0])])).logits.tolist(), expected)
  const theirs = new ort.Tensor('int64', BigInt64Array.from(ids[0], BigInt), [1, 3])
  t.deepEqual((await model.run({ input_ids: theirs })).logits.tolist(), expected)
  const other = { type: 'float32', dims: [128], data: Float32Array.from({ length: 128 }, (_, i) => i), location: 'cpu' }
  const [moved, same] = await Promise.all(
    [other, tensor(other.data)].map(value =>
      model.trace(ids, m => {
        m.transformer.h[1].output = m.transformer.h[1].output.add(value as never)
        return m.lm_head.output
      }),
    ),
  )
  t.deepEqual(moved.tolist(), same.tolist())
  t.notDeepEqual(moved.tolist(), expected)
  const onGpu = { ...other, location: 'gpu-buffer' }
  await t.throwsAsync(
    model.trace(ids, m => m.transformer.h[1].output.add(onGpu as never)),
    { message: /gpu-buffer[\s\S]*getData/ },
  )
})

test('masks, positions and caches are filled in, and prompts of unequal length give each row what it gives alone', async t => {
  const file = (name: string) => `test/fixtures/models/verse/onnx/${name}.onnx`
  const [short, long] = [
    [5, 6, 7],
    [9, 10, 11, 12, 13, 14],
  ]
  for (const name of ['model', 'model_q4']) {
    const own = await load(file(name))
    t.true(own.signature.inputs.filter(input => !input.optional).every(input => input.name === 'input_ids'))
    const together = await own.trace([short, long], m => m.model.layers[2].output)
    for (const [row, ids] of [short, long].entries()) {
      const alone = await own.trace([ids], m => m.model.layers[2].output)
      const part = await together.slice(`${row}:${row + 1}, ${-ids.length}:`).value()
      const off = Array.from(part.data as Float32Array, (value, i) => Math.abs(value - (alone.data as Float32Array)[i]))
      t.true(
        Math.max(...off) < 1e-3 * Math.max(...Array.from(alone.data as Float32Array, Math.abs)),
        `${name} row ${row}`,
      )
    }
    await own.release()
  }
})
