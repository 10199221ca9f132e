import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { load, type Tensor, tensor } from 'onnsight'

const like: readonly (readonly [Tensor, Tensor])[] = [
  [tensor([1, 2]), tensor([1, 2])],
  [tensor(3), tensor(3)],
  [tensor([[1n]]), tensor([[1n]])],
]
const unlike: readonly (readonly [what: string, Tensor, Tensor])[] = [
  ['elements', tensor([1, 2]), tensor([1, 3])],
  ['numbers', tensor(1), tensor(2)],
  ['dims', tensor([[1, 2]]), tensor([1, 2])],
  ['dtypes', tensor([1, 2]), tensor([1, 2], { type: 'float16' })],
  ['zeros', tensor([0]), tensor([-0])],
]

test('Node’s deepStrictEqual compares dtype, dims and elements', t => {
  for (const [a, b] of like) {
    t.notThrows(() => assert.deepStrictEqual(a, b))
    t.true(isDeepStrictEqual({ deep: [a] }, { deep: [b] }))
  }
  for (const [what, a, b] of unlike) {
    t.throws(() => assert.deepStrictEqual(a, b), { name: 'AssertionError' }, what)
    t.false(isDeepStrictEqual({ deep: [a] }, { deep: [b] }), what)
  }
})

test('what a trace gave is compared by what it holds', async t => {
  const model = await load('examples/models/chars.onnx')
  const logits = (ids: number[]): Promise<Tensor> => model.trace([ids], m => m.lm_head.output)
  const [once, again, other] = [await logits([1, 2]), await logits([1, 2]), await logits([1, 3])]
  t.true(isDeepStrictEqual(once, again))
  t.false(isDeepStrictEqual(once, other))
  await model.release()
})

test('it shows nowhere else', t => {
  t.deepEqual(Object.keys(tensor([1])), [])
  t.is(JSON.stringify({ a: tensor([1]) }), JSON.stringify({ a: tensor([1]) }))
  t.notRegex(String(tensor([1])), /content/)
})
