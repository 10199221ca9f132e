import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, tensor } from 'onnsight'
import { invoke, trace } from 'onnsight/trace.macro'
import * as ort from 'onnxruntime-node'
import { encodeGraph, type TextGraph, type Weight } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

// A prompt's values must not depend on its neighbours. If they would in a model, its prompts run one by one. Compares with onnxruntime on each alone.

const folder = mkdtempSync(join(tmpdir(), 'onnsight-mixed-'))
const weights: Record<string, Weight> = {
  q: ['u8', [4, 4]],
  zero: ['u8', [], [3]],
  scale: 0.05,
  first: ['i64', [1], [0]],
  second: ['i64', [1], [1]],
  row: ['i64', [], [0]],
  two: ['i64', [1], [2]],
  flat: ['i64', [2], [-1, 4]],
  back: ['i64', [3], [-1, 3, 4]],
  none: ['i64', [0]],
  w: ['f32', [1, 16, 4]],
  r: ['f32', [1, 16, 4]],
  three: ['f32', [3]],
  four: ['f32', [4]],
  positive: ['f32', [3], [1, 2, 3]],
  dense: ['f32', [4, 4]],
}

/** Operations that mix rows. The last value is `y`, with one row for each row of `h`. */
const mixing: Record<string, string> = {
  'a dynamically quantised product': `q8, s, z = DynamicQuantizeLinear(h)
    i = MatMulInteger(q8, q, z, zero)
    f = Cast(i; to=1)
    t = Mul(s, scale)
    y = Mul(f, t)`,
  'the largest of all': `m = ReduceMax(h; keepdims=0)\n y = Div(h, m)`,
  'a mean over the rows': `m = ReduceMean(h; axes=[0])\n y = Sub(h, m)`,
  'a sum over axes of a constant': `m = ReduceSum(h, first)\n y = Add(h, m)`,
  'Softmax over the rows': 'y = Softmax(h; axis=0)',
  'Softmax over the rows, counted from the end': 'y = Softmax(h; axis=-3)',
  'LayerNormalization of all axes': `m = ReduceMean(h; axes=[0, 1, 2])\n d = Sub(h, m)\n y = Tanh(d)`,
  'a sum that goes on': `y = CumSum(h, row)`,
  'the largest row': `t, j = TopK(h, first1; axis=0)\n y = Sub(h, t)`,
  'BatchNormalization in training': `y, a, b = BatchNormalization(h, three, three, three, positive; training_mode=1)`,
  MeanVarianceNormalization: 'u = Unsqueeze(h, two)\n v = MeanVarianceNormalization(u)\n y = Squeeze(v, two)',
  'a product over the rows': `t = Transpose(h; perm=[1, 2, 0])
    v = Transpose(h; perm=[1, 0, 2])
    g = MatMul(t, v)
    o = MatMul(v, g)
    y = Transpose(o; perm=[1, 0, 2])`,
  'Einsum over the rows': `g = Einsum(h, h; equation='btd,bte->tde')\n y = Einsum(h, g; equation='btd,tde->bte')`,
  'the first row': `t = Gather(h, row; axis=0)\n y = Sub(h, t)`,
  'the first row, sliced': `t = Slice(h, first, second, first)\n y = Sub(h, t)`,
  'rows for time': 'z, i, c = LSTM(h, w, r; hidden_size=4)\n y = Squeeze(z, second)',
  'rows within one axis': `f = Reshape(h, flat)\n m = ReduceMax(f; axes=[0])\n d = Sub(f, m)\n y = Reshape(d, back)`,
}
const apart: Record<string, string> = {
  'a mean of each row': `m = ReduceMean(h; axes=[-1])\n y = Sub(h, m)`,
  'means of each row’s axes': `m = ReduceMean(h; axes=[1, 2])\n y = Sub(h, m)`,
  'a sum of no axes': `y = ReduceSum(h, none; noop_with_empty_axes=1)`,
  'Softmax of each row': 'y = Softmax(h; axis=-1)',
  'a sum that goes on within a row': `y = CumSum(h, one)`,
  'the largest of each row': `t, j = TopK(h, first1; axis=1)\n y = Sub(h, t)`,
  BatchNormalization: `y = BatchNormalization(h, three, three, three, positive)`,
  'a product within each row': `t = Transpose(h; perm=[0, 2, 1])\n g = MatMul(h, t)\n y = MatMul(g, h)`,
  'Einsum within each row': `g = Einsum(h, h; equation='btd,bsd->bts')\n y = Einsum(g, h; equation='bts,bsd->btd')`,
  'a place of each row': `t = Slice(h, first, second, second)\n y = Sub(h, t)`,
  'all rows, sliced': `t = Slice(h, first, most, first)\n y = Neg(t)`,
  'rows within one axis': `f = Reshape(h, flat)\n d = MatMul(f, dense)\n y = Reshape(d, back)`,
  'places for time': `t = Transpose(h; perm=[1, 0, 2])
    z, i, c = LSTM(t, w, r; hidden_size=4)
    v = Squeeze(z, second)
    y = Transpose(v; perm=[1, 0, 2])`,
}

const prompts = [1, 30, 0.2].map((size, k) =>
  Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * 1.9 + k * 0.7) * size),
)

function made(nodes: string): TextGraph {
  return {
    name: 'rows',
    inputs: { x: ['f32', 'b:1', 3, 4] },
    weights: {
      ...weights,
      first1: ['i64', [1], [1]],
      one: ['i64', [], [1]],
      most: ['i64', [1], [Number.MAX_SAFE_INTEGER]],
    },
    nodes: `h = Neg(x)\n${nodes}`,
    outputs: ['y'],
  }
}

let files = 0
for (const [isMixing, graphs] of [
  [true, mixing],
  [false, apart],
] as const)
  for (const [name, nodes] of Object.entries(graphs))
    test(`${name}: prompts run ${isMixing ? 'one by one' : 'as one batch'}, and each gives what it gives alone`, async t => {
      const file = join(folder, `${files++}.onnx`)
      writeFileSync(file, encodeGraph(made(nodes)))
      const session = await ort.InferenceSession.create(file, { logSeverityLevel: 4 })
      const model = await load(file)
      const { traces } = await model.explain(async () => {
        const all = (await trace(model, () =>
          prompts.map(data => invoke({ x: tensor(data, [1, 3, 4]) }, () => model.tensor('y'))),
        )) as unknown as Tensor[]
        for (const [i, data] of prompts.entries()) {
          const { y } = await session.run({ x: new ort.Tensor('float32', data, [1, 3, 4]) })
          t.true(near(all[i], tensor(y.data as Float32Array, y.dims), 1e-5), `prompt ${i}`)
        }
      })
      t.is(traces.length, isMixing ? prompts.length : 1)
      await session.release()
      await model.release()
    })

async function quantised(): Promise<Model> {
  const file = join(folder, 'quantised.onnx')
  writeFileSync(file, encodeGraph(made(mixing['a dynamically quantised product'])))
  return load(file)
}
const feed = (k: number) => ({ x: tensor(prompts[k], [1, 3, 4]) })

test('where prompts run one by one, a value of one still goes into another, and a write into no other', async t => {
  const model = await quantised()
  let h!: Tensor
  const [, patched, last] = (await trace(model, () => [
    invoke(feed(0), () => {
      h = model.tensor('h')
    }),
    invoke(feed(1), () => {
      model.node('Neg_0').output = h
      return model.tensor('y')
    }),
    invoke(feed(2), () => model.tensor('y')),
  ])) as unknown as Tensor[]
  t.true(near(patched, await model.trace(feed(0), m => m.tensor('y'))))
  t.false(near(patched, await model.trace(feed(1), m => m.tensor('y'))))
  t.true(near(last, await model.trace(feed(2), m => m.tensor('y'))))
  await model.release()
})

test('where prompts run one by one, the whole batch can’t be seen, and the node is named', async t => {
  const model = await quantised()
  const error = await t.throwsAsync<OnnsightError>(
    Promise.resolve(
      trace(model, () => {
        invoke(feed(0), () => model.tensor('y'))
        invoke(feed(1), () => model.tensor('y'))
        invoke(() => model.tensor('y'))
      }),
    ),
  )
  t.is(error.code, 'invoke')
  t.regex(error.message, /DynamicQuantizeLinear_1[\s\S]*rows of one invoke/)
  await model.release()
})
