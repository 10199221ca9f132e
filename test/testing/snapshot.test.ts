import test from 'ava'
import { full, load, type Tensor, tensor } from 'onnsight'
import { type SnapshotOptions, snapshotOf } from 'onnsight/testing'

const cases: Record<string, readonly [Tensor, SnapshotOptions?]> = {
  'a small float32': [
    tensor([
      [0.123456, -12.3456],
      [-0.0004, Number.NaN],
    ]),
  ],
  'a large float32': [tensor(Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10))],
  'infinities and NaN in a large one': [tensor([Infinity, Number.NaN, -Infinity, ...new Array<number>(97).fill(2)])],
  'nothing but NaN': [full([100], Number.NaN)],
  'large numbers': [tensor([123456, -987654]), { digits: 2 }],
  'small numbers': [tensor([1.23456e-7, -9.8e-9])],
  zeros: [full([3], 0)],
  float16: [tensor([0.1, 2], { type: 'float16' })],
  'int64 beyond 2^53': [tensor([9007199254740993n, 5n], { type: 'int64' })],
  'a large int64': [
    tensor(
      Array.from({ length: 100 }, (_, i) => BigInt(i) ** 2n),
      { type: 'int64' },
    ),
    { sample: 5 },
  ],
  bool: [tensor([[true, false]])],
  'a large bool': [tensor(Array.from({ length: 99 }, (_, i) => i % 3 === 0)), { sample: 4 }],
  string: [tensor(['a', 'b'], { type: 'string' })],
  'a large string': [
    tensor(
      Array.from({ length: 99 }, (_, i) => `t${i}`),
      { type: 'string' },
    ),
    { sample: 2 },
  ],
  'rank 0': [tensor(1.23456789)],
  'no elements': [full([2, 0], 1)],
  'all of a large one': [full([70], 1), { most: 100, digits: 1 }],
}

for (const [name, [value, options]] of Object.entries(cases)) {
  test(name, t => {
    t.snapshot(snapshotOf(value, options))
  })
}

test('refused: values that are not tensors, and wrong options', t => {
  t.throws(() => snapshotOf(1 as never), { code: 'argument' })
  t.throws(() => snapshotOf(tensor(1), { digits: 0 }), { code: 'argument', message: /digits is 0/ })
  t.throws(() => snapshotOf(tensor(1), { sample: -1 }), { code: 'argument', message: /sample is -1/ })
  t.throws(() => snapshotOf(tensor(1).mul(2)), { code: 'not-computed' })
})

test('a snapshot is a plain object that survives JSON, except for NaN and bigints', t => {
  const snapshot = snapshotOf(tensor([[1, 2.5]]))
  t.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot as unknown)
})

test('the snapshot of a model’s output is the same if the model runs in other blocks', async t => {
  const [one, many] = await Promise.all([
    load('examples/models/chars.onnx', { blocks: 1 }),
    load('examples/models/chars.onnx'),
  ])
  const read = (model: typeof one) => model.trace([[18, 47, 56, 57]], m => m.lm_head.output) as Promise<Tensor>
  const [a, b] = [await read(one), await read(many)]
  t.deepEqual(snapshotOf(a), snapshotOf(b))
  await Promise.all([one.release(), many.release()])
})
