import { Float16Array } from '@petamoriken/float16'
import test from 'ava'
import { load, type Tensor, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { near } from '../near.ts'

// Node has its own Float16Array from version 24 on, and onnxruntime then uses it for its tensors. In older versions this file defines one, before
// onnxruntime looks for it. The expected values are those of the same file with numbers that float16 can hold exactly.
const own = (globalThis as { Float16Array?: typeof Float16Array }).Float16Array
const Halves = own ?? Float16Array
if (!own) Object.assign(globalThis, { Float16Array })

const xs = [1, -2, 3, 0.5, 4, -1]
const numbers = (value: Tensor): number[] => Array.from((value.tolist() as number[][]).flat())

test('float16 goes in and out where JavaScript has a Float16Array, in every form it can be given', async t => {
  const model = await load('test/fixtures/models/chars-fp16.onnx')
  const ids = [[18, 47, 56, 57]]
  const [h, logits] = await model.trace(ids, m => [m.transformer.h[1].output, m.lm_head.output])
  t.is(h.type, 'float16')
  t.true((logits.tolist() as number[][][]).flat(2).every(Number.isFinite))
  const same = await model.trace(ids, m => {
    m.transformer.h[1].output = h
    return m.lm_head.output
  })
  // A rebuilt block may round the last digit differently.
  t.true(near(same, logits, 2e-3))
  const scaled = await model.trace(ids, m => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(tensor(new Halves([0.5]) as never))
    return m.lm_head.output
  })
  t.false(near(scaled, logits, 2e-3))
  await model.release()
})

test('a Float16Array is float16, alone, as rows, and as onnxruntime’s tensor', async t => {
  const given = new Halves(xs)
  const made = tensor(given as never, [2, 3])
  t.is(made.type, 'float16')
  t.deepEqual(numbers(made), xs)
  t.deepEqual(
    numbers(await made.mul(2).value()),
    xs.map(x => 2 * x),
  )
  given[0] = 9
  t.is(numbers(made)[0], 1)
  const model = await load('test/fixtures/edges/d08_fp16.onnx')
  const due = (await model.run({ x: tensor(xs, { type: 'float16', dims: [2, 3] }) })).y
  const forms = {
    tensor: made,
    rows: [new Halves(xs.slice(0, 3)), new Halves(xs.slice(3))],
    'onnxruntime’s tensor': new ort.Tensor('float16', new Halves(xs) as never, [2, 3]),
  }
  for (const [name, x] of Object.entries(forms))
    t.deepEqual((await model.run({ x: x as never })).y.tolist(), due.tolist(), name)
  await model.release()
})
