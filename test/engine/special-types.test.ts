import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { load, type Tensor } from 'onnsight'
import { TensorProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, ints, model, node, OnnxType, saved, value } from '../model/hand-graph.ts'

/* Models with values that onnxruntime-node can't return, in files that declare no types for them. int4 outputs would end the process. */

const numbers = (tensor: Tensor): number[] => Array.from(tensor.data as Float32Array, Number)
const x = [
  [1, -2, 3],
  [0.5, 4, -1],
]

/** bfloat16 is float32 without its lower half. */
const half = (list: readonly number[]) =>
  create(TensorProtoSchema, {
    name: 'w',
    dims: [3n, 2n],
    dataType: OnnxType.BFLOAT16,
    rawData: new Uint8Array(Uint16Array.from(list, v => new Uint32Array(Float32Array.of(v).buffer)[0] >> 16).buffer),
  })

const w = [1, 2, -1, 0.5, 3, -2]

test('bfloat16 weights and values: read, written, in any number of blocks', async t => {
  const path = saved(
    model(
      graph({
        inputs: [value('x', OnnxType.FLOAT, [2, 3])],
        initializers: [half(w), ints('perm', [2], [2, 3])],
        nodes: [
          node('Transpose', ['w'], ['turned'], { perm: [1, 0] }, 'turn'),
          node('Reshape', ['turned', 'perm'], ['shaped'], {}, 'shape'),
          node('Cast', ['x'], ['x16'], { to: OnnxType.BFLOAT16 }, 'down'),
          node('Identity', ['x16'], ['same'], {}, 'same'),
          node('Cast', ['same'], ['back'], { to: OnnxType.FLOAT }, 'up'),
          node('Cast', ['shaped'], ['weights'], { to: OnnxType.FLOAT }, 'weights_up'),
          node('Mul', ['back', 'weights'], ['out'], {}, 'mul'),
        ],
        outputs: [value('out', OnnxType.FLOAT, [2, 3])],
      }),
      21,
    ),
  )
  const turned = [1, -1, 3, 2, 0.5, -2]
  const out = x.flat().map((v, i) => v * turned[i])
  for (const blocks of [1, 2, 4]) {
    const opened = await load(path, { blocks })
    t.deepEqual(numbers((await opened.run({ x })).out), out)
    for (const name of ['turned', 'shaped', 'x16', 'same', 'w']) {
      const seen = await opened.trace({ x }, m => ({ value: m.tensor(name), out: m.tensor('out') }))
      t.deepEqual(numbers(seen.out), out, `${name} read`)
      t.deepEqual(
        numbers(seen.value),
        name === 'w' ? w : name.startsWith('x') || name === 'same' ? x.flat() : turned,
        name,
      )
    }
    const edited = await opened.trace({ x }, m => {
      m.tensor('same').set(':, 0', 0)
      m.tensor('shaped').set('...', m.tensor('shaped').mul(2))
      return m.tensor('out')
    })
    t.deepEqual(
      numbers(edited),
      out.map((v, i) => (i % 3 === 0 ? 0 : 2 * v)),
    )
    await opened.release()
  }
})

test('float8 values: through QuantizeLinear and casts', async t => {
  const zero = create(TensorProtoSchema, { name: 'zero', dataType: OnnxType.FLOAT8E4M3FN, rawData: Uint8Array.of(0) })
  const path = saved(
    model(
      graph({
        inputs: [value('x', OnnxType.FLOAT, [2, 3])],
        initializers: [floats('scale', [], [1]), zero],
        nodes: [
          node('QuantizeLinear', ['x', 'scale', 'zero'], ['q'], {}, 'quantise'),
          node('Identity', ['q'], ['again'], {}, 'again'),
          node('DequantizeLinear', ['again', 'scale', 'zero'], ['back'], {}, 'back'),
          node('Neg', ['back'], ['out'], {}, 'neg'),
        ],
        outputs: [value('out', OnnxType.FLOAT, [2, 3])],
      }),
      21,
    ),
  )
  for (const blocks of [1, 3]) {
    const opened = await load(path, { blocks })
    const expected = x.flat().map(v => -v)
    t.deepEqual(numbers((await opened.run({ x })).out), expected)
    const { q, again, out } = await opened.trace({ x }, m => ({
      q: m.tensor('q'),
      again: m.node('again').output,
      out: m.tensor('out'),
    }))
    t.deepEqual([numbers(q), numbers(again), numbers(out)], [x.flat(), x.flat(), expected])
    await opened.release()
  }
})

test('int4 weights and values: never given out as they are', async t => {
  // Each byte has two elements, the first one in its lower half: 1, -2, 3, -4, 5, -6.
  const packed = create(TensorProtoSchema, {
    name: 'w4',
    dims: [2n, 3n],
    dataType: OnnxType.INT4,
    rawData: Uint8Array.of(0xe1, 0xc3, 0xa5),
  })
  const zero = create(TensorProtoSchema, { name: 'zero', dataType: OnnxType.INT4, rawData: Uint8Array.of(0) })
  const path = saved(
    model(
      graph({
        inputs: [value('x', OnnxType.FLOAT, [2, 3])],
        initializers: [packed, zero, floats('scale', [], [0.5])],
        nodes: [
          node('DequantizeLinear', ['w4', 'scale', 'zero'], ['weights'], {}, 'weights'),
          node('QuantizeLinear', ['x', 'scale', 'zero'], ['q'], {}, 'quantise'),
          node('DequantizeLinear', ['q', 'scale', 'zero'], ['back'], {}, 'back'),
          node('Mul', ['weights', 'back'], ['out'], {}, 'mul'),
        ],
        outputs: [value('out', OnnxType.FLOAT, [2, 3])],
      }),
      21,
    ),
  )
  const q = [2, -4, 6, 1, 7, -2]
  const weights = [0.5, -1, 1.5, -2, 2.5, -3]
  for (const blocks of [1, 2, 4]) {
    const opened = await load(path, { blocks })
    const expected = q.map((v, i) => (v / 2) * weights[i])
    t.deepEqual(numbers((await opened.run({ x })).out), expected)
    const seen = await opened.trace({ x }, m => ({
      q: m.tensor('q'),
      w: m.tensor('w4'),
      out: m.tensor('out'),
    }))
    t.deepEqual([numbers(seen.q), numbers(seen.w)], [q, [1, -2, 3, -4, 5, -6]])
    t.deepEqual(numbers(seen.out), expected)
    await opened.release()
  }
})
