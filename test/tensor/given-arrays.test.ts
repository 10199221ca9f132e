import test from 'ava'
import { load, tensor } from 'onnsight'

/* Writing into an array does not change the tensors that were made from it. */
const model = await load('test/fixtures/models/induction.onnx')
const ids = [[1, 2, 3, 4]]
const layer = 'transformer.h.0'
const scratch = (): Float32Array => Float32Array.from({ length: 64 }, (_, i) => i / 64)

test('a scratch array that is filled anew before the run changes no operand, write or lazy operation', async t => {
  const expected = await model.trace(ids, m => {
    m.module(layer).output = m.module(layer).output.add(tensor(scratch()))
    m.module('transformer.h.1').output.set(':, -1', scratch())
    return m.lm_head.output
  })
  const [added, written] = [scratch(), scratch()]
  const got = await model.trace(ids, m => {
    m.module(layer).output = m.module(layer).output.add(added)
    m.module('transformer.h.1').output.set(':, -1', written)
    added.fill(99)
    written.fill(99)
    return m.lm_head.output
  })
  t.deepEqual(got.tolist(), expected.tolist())
  const plain = await model.trace(ids, m => m.lm_head.output)
  t.notDeepEqual(got.tolist(), plain.tolist(), 'the edits moved the result')
  const data = scratch()
  const lazy = tensor(data).mul(2).sum()
  data.fill(99)
  const due = scratch().reduce((sum, value) => sum + 2 * value, 0)
  t.true(Math.abs(Number((await lazy.value()).item()) - due) < 1e-3)
  const given = BigInt64Array.of(1n, 2n, 3n, 4n)
  const running = model.run({ input_ids: [given] })
  given.fill(0n)
  t.deepEqual((await running).logits.tolist(), plain.tolist())
})

test('dims that are handed out can’t be changed, and those that are given are copied', async t => {
  const dims = [2, 2]
  const made = tensor([1, 2, 3, 4], { dims })
  dims[0] = 7
  t.deepEqual(made.dims, [2, 2])
  t.throws(() => (made.dims as number[]).reverse(), { instanceOf: TypeError })
  const { dims: read } = await model.trace(ids, m => m.module(layer).output)
  t.throws(() => (read as number[]).reverse(), { instanceOf: TypeError })
})
