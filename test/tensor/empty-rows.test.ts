import test from 'ava'
import { load, s, type Tensor, tensor, zeros } from 'onnsight'

/* onnxruntime's TopK divides by the number of rows before its axis, and ends the process if there is none. */

const ranked: Record<string, (x: Tensor) => { values: Tensor; indices: Tensor }> = {
  topk: x => x.topk(2),
  'the smallest': x => x.topk(2, -1, { largest: false }),
  'topk along the first of two axes': x => x.topk(1, -2),
  sort: x => x.sort(),
  argsort: x => ({ values: x.argsort(), indices: x.argsort(-1, { descending: true }) }),
}

for (const [name, rank] of Object.entries(ranked)) {
  for (const type of ['float32', 'float16', 'int64'] as const)
    test(`${name} of no rows of ${type} is empty`, async t => {
      const { values, indices } = rank(zeros([0, 2, 3], { type }))
      const expected = rank(zeros([1, 2, 3], { type })).values.dims.with(0, 0)
      t.deepEqual([(await values.value()).dims, (await indices.value()).dims], [expected, expected])
      t.is((await indices.value()).type, 'int64')
    })

  test(`${name} of as many rows as the run has: none, and two`, async t => {
    const x = tensor([
      [3, 1, 2],
      [4, 6, 5],
    ])
    const chosen = (mask: boolean[]): Tensor => {
      const rows = tensor(mask).nonzero().slice(s`:, 0`)
      return x.unsqueeze(1).expand([2, 2, 3]).indexSelect(0, rows)
    }
    const none = rank(chosen([false, false]))
    t.is((await none.values.value()).dims[0], 0)
    const both = rank(chosen([true, true]))
    const known = rank(x.unsqueeze(1).expand([2, 2, 3]))
    t.deepEqual((await both.values.value()).tolist(), (await known.values.value()).tolist())
    t.deepEqual((await both.indices.value()).tolist(), (await known.indices.value()).tolist())
  })
}

test('the best tokens of no position, in a trace', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const { indices } = await model.trace([[18, 47]], m => m.lm_head.output.slice(s`:, 2:`).topk(3))
  t.deepEqual(indices.dims, [1, 0, 3])
})
