import { writeFileSync } from 'node:fs'
import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { temporaryFolder } from '../cache/model-copies.ts'
import { encodeGraph, feeds, type TextGraph } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

/** Brings queries, keys and values `[batch, token, head, width]` into the form in which attention multiplies them. */
const APART = `/layer/attn/qt q = Transpose(qs; perm=[0, 2, 1, 3])
      /layer/attn/kt kt = Transpose(ks; perm=[0, 2, 3, 1])
      /layer/attn/vt v = Transpose(vs; perm=[0, 2, 1, 3])`

/** The heads' results, `[batch, token, 8]`, in plain operators. */
const MIXED = `/layer/attn/qk raw = MatMul(q, kt)
      /layer/attn/m scores = Mul(raw, scale)
      /layer/attn pattern = Softmax(scores; axis=-1)
      /layer/attn/av mixed = MatMul(pattern, v)
      /layer/attn/back back = Transpose(mixed; perm=[0, 2, 1, 3])
      /layer/attn/flat z = Reshape(back, flat)`
const OF_MIXED = { flat: ['i64', [3], [0, 0, 8]], scale: 0.5 } as const

interface Form extends Pick<TextGraph, 'weights' | 'nodes' | 'opset'> {
  /** The weight that is added to the scores. */
  readonly bias?: string
  readonly isCausal?: true
}

/** An attention of two heads of 4, written in different ways. The last line computes the layer's output, y. */
const forms: Readonly<Record<string, Form>> = {
  MultiHeadAttention: {
    weights: { wq: ['f32', [8, 8]], wk: ['f32', [8, 8]], wv: ['f32', [8, 8]], wo: ['f32', [8, 8]] },
    nodes: `/layer/attn/q q = MatMul(x, wq)
      /layer/attn/k k = MatMul(x, wk)
      /layer/attn/v v = MatMul(x, wv)
      /layer/attn/a a = com.microsoft.MultiHeadAttention(q, k, v; num_heads=2)
      /layer/attn/o y = MatMul(a, wo)`,
  },
  'Attention with packed weights': {
    weights: { w: ['f32', [8, 24]], b: ['f32', [24]], wo: ['f32', [8, 8]] },
    nodes: `/layer/attn/a a = com.microsoft.Attention(x, w, b; num_heads=2)
      /layer/attn/o y = MatMul(a, wo)`,
  },
  'Attention of opset 23, with one key/value head for both': {
    opset: 23,
    isCausal: true,
    weights: { wq: ['f32', [8, 8]], wk: ['f32', [8, 4]], wv: ['f32', [8, 4]], wo: ['f32', [8, 8]] },
    nodes: `/layer/attn/q q = MatMul(x, wq)
      /layer/attn/k k = MatMul(x, wk)
      /layer/attn/v v = MatMul(x, wv)
      /layer/attn/a a = Attention(q, k, v; q_num_heads=2, kv_num_heads=1, is_causal=1)
      /layer/attn/o y = MatMul(a, wo)`,
  },
  'packed by head, as GPT-NeoX has it': {
    weights: {
      w: ['f32', [8, 24]],
      byHead: ['i64', [4], [0, 0, 2, 12]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn h = Reshape(p, byHead)
      /layer/attn/t t = Transpose(h; perm=[0, 2, 1, 3])
      /layer/attn/s q, k, v = Split(t; axis=3)
      /layer/attn/k kt = Transpose(k; perm=[0, 1, 3, 2])
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'packed by head, with the sizes of a GPT-NeoX export, which are computed from dims': {
    weights: {
      w: ['f32', [8, 24]],
      zero: ['i64', [1], [0]],
      one: ['i64', [1], [1]],
      two: ['i64', [1], [2]],
      three: ['i64', [1], [3]],
      rest: ['i64', [1], [-1]],
      all: ['i64', [1], [12]],
      scale: 0.5,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn dims = Shape(x)
      /layer/attn batch = Gather(dims, zero; axis=0)
      /layer/attn tokens = Gather(dims, one; axis=0)
      /layer/attn byHead = Concat(batch, tokens, rest, all; axis=0)
      /layer/attn flat = Concat(batch, tokens, rest; axis=0)
      /layer/attn h = Reshape(p, byHead)
      /layer/attn t = Transpose(h; perm=[0, 2, 1, 3])
      /layer/attn inner = Shape(t)
      /layer/attn packed = Gather(inner, three; axis=0)
      /layer/attn width = Div(packed, three)
      /layer/attn twice = Mul(width, two)
      /layer/attn thrice = Mul(width, three)
      /layer/attn q = Slice(t, zero, width, three)
      /layer/attn k = Slice(t, width, twice, three)
      /layer/attn v = Slice(t, twice, thrice, three)
      /layer/attn/k kt = Transpose(k; perm=[0, 1, 3, 2])
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'batch and heads in one axis around the Softmax, as BLOOM has it': {
    weights: {
      w: ['f32', [8, 24]],
      byHead: ['i64', [5], [0, 0, 2, 3, 4]],
      first: ['i64', [], [0]],
      second: ['i64', [], [1]],
      third: ['i64', [], [2]],
      ofBoth: ['i64', [3], [-1, 3, 4]],
      scored: ['i64', [4], [-1, 2, 3, 3]],
      weighed: ['i64', [3], [-1, 3, 3]],
      apart: ['i64', [4], [-1, 2, 3, 4]],
      alibi: ['f32', [2, 1, 3]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn h = Reshape(p, byHead)
      /layer/attn q1 = Gather(h, first; axis=3)
      /layer/attn k1 = Gather(h, second; axis=3)
      /layer/attn v1 = Gather(h, third; axis=3)
      /layer/attn q2 = Transpose(q1; perm=[0, 2, 1, 3])
      /layer/attn k2 = Transpose(k1; perm=[0, 2, 1, 3])
      /layer/attn v2 = Transpose(v1; perm=[0, 2, 1, 3])
      /layer/attn q = Reshape(q2, ofBoth)
      /layer/attn k3 = Reshape(k2, ofBoth)
      /layer/attn k = Transpose(k3; perm=[0, 2, 1])
      /layer/attn v = Reshape(v2, ofBoth)
      /layer/attn raw = MatMul(q, k)
      /layer/attn scaled = Mul(raw, scale)
      /layer/attn biased = Add(scaled, alibi)
      /layer/attn scores = Reshape(biased, scored)
      /layer/attn pattern = Softmax(scores; axis=-1)
      /layer/attn weights = Reshape(pattern, weighed)
      /layer/attn mixed = MatMul(weights, v)
      /layer/attn mixes = Reshape(mixed, apart)
      /layer/attn back = Transpose(mixes; perm=[0, 2, 1, 3])
      /layer/attn z = Reshape(back, flat)
      /layer/attn/o y = MatMul(z, wo)`,
    bias: 'alibi',
  },
  'one key and one value packed behind the queries, as Falcon has it': {
    weights: {
      w: ['f32', [8, 16]],
      byHead: ['i64', [4], [0, 0, 4, 4]],
      parts: ['i64', [3], [2, 1, 1]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn h = Reshape(p, byHead)
      /layer/attn/s qs, ks, vs = Split(h, parts; axis=2)
      ${APART}
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'queries, one key and one value split before heads are apart, as GPT-BigCode has it': {
    weights: {
      w: ['f32', [8, 16]],
      atOne: ['i64', [1], [1]],
      atTwo: ['i64', [1], [2]],
      parts: ['i64', [3], [8, 4, 4]],
      byHead: ['i64', [4], [-1, 3, 2, 4]],
      repeated: ['i64', [5], [1, 1, 2, 1, 1]],
      apart: ['i64', [4], [-1, 2, 3, 4]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn u = Unsqueeze(p, atOne)
      /layer/attn/s q0, k0, v0 = Split(u, parts; axis=3)
      /layer/attn qs = Reshape(q0, byHead)
      /layer/attn q = Transpose(qs; perm=[0, 2, 1, 3])
      /layer/attn k1 = Unsqueeze(k0, atTwo)
      /layer/attn k2 = Expand(k1, repeated)
      /layer/attn k = Reshape(k2, apart)
      /layer/attn kt = Transpose(k; perm=[0, 1, 3, 2])
      /layer/attn v1 = Unsqueeze(v0, atTwo)
      /layer/attn v2 = Expand(v1, repeated)
      /layer/attn v = Reshape(v2, apart)
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'one key and one value picked behind the queries, as PyTorch’s second exporter writes Falcon': {
    weights: {
      w: ['f32', [8, 16]],
      byHead: ['i64', [4], [0, 0, 4, 4]],
      zero: ['i64', [1], [0]],
      two: ['i64', [1], [2]],
      second: ['i64', [1, 1], [2]],
      third: ['i64', [1, 1], [3]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn h = Reshape(p, byHead)
      /layer/attn qs = Slice(h, zero, two, two)
      /layer/attn q = Transpose(qs; perm=[0, 2, 1, 3])
      /layer/attn k0 = Transpose(h; perm=[2, 0, 1, 3])
      /layer/attn k1 = GatherND(k0, second)
      /layer/attn kt = Transpose(k1; perm=[1, 0, 3, 2])
      /layer/attn v0 = Transpose(h; perm=[2, 0, 1, 3])
      /layer/attn v1 = GatherND(v0, third)
      /layer/attn v = Transpose(v1; perm=[1, 0, 2, 3])
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'queries, a key and a value packed in groups, as Falcon’s newer architecture has it': {
    weights: {
      w: ['f32', [8, 16]],
      byGroup: ['i64', [5], [0, 0, -1, 4, 4]],
      byHead: ['i64', [4], [0, 0, 2, 4]],
      repeated: ['i64', [5], [1, 1, 1, 2, 1]],
      zero: ['i64', [1], [0]],
      three: ['i64', [1], [3]],
      behind: ['i64', [1], [-2]],
      second: ['i64', [1, 1], [-2]],
      third: ['i64', [1, 1], [-1]],
      ...OF_MIXED,
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/qkv p = MatMul(x, w)
      /layer/attn h = Reshape(p, byGroup)
      /layer/attn q0 = Slice(h, zero, behind, three)
      /layer/attn q1 = Reshape(q0, byHead)
      /layer/attn q = Transpose(q1; perm=[0, 2, 1, 3])
      /layer/attn k0 = Transpose(h; perm=[3, 0, 1, 2, 4])
      /layer/attn k1 = GatherND(k0, second)
      /layer/attn k2 = Transpose(k1; perm=[1, 2, 3, 0, 4])
      /layer/attn k3 = Expand(k2, repeated)
      /layer/attn k4 = Reshape(k3, byHead)
      /layer/attn kt = Transpose(k4; perm=[0, 2, 3, 1])
      /layer/attn v0 = Transpose(h; perm=[3, 0, 1, 2, 4])
      /layer/attn v1 = GatherND(v0, third)
      /layer/attn v2 = Transpose(v1; perm=[1, 2, 3, 0, 4])
      /layer/attn v3 = Expand(v2, repeated)
      /layer/attn v4 = Reshape(v3, byHead)
      /layer/attn v = Transpose(v4; perm=[0, 2, 1, 3])
      ${MIXED}
      /layer/attn/o y = MatMul(z, wo)`,
  },
  'weights between DequantizeLinear nodes': {
    weights: {
      wq: ['i8', [8, 8]],
      wk: ['i8', [8, 8]],
      wv: ['i8', [8, 8]],
      wo: ['i8', [8, 8]],
      s: 0.1,
      byHead: ['i64', [4], [0, 0, 2, 4]],
      ...OF_MIXED,
    },
    nodes: `/layer/attn/dq fq = DequantizeLinear(wq, s)
      /layer/attn/dk fk = DequantizeLinear(wk, s)
      /layer/attn/dv fv = DequantizeLinear(wv, s)
      /layer/attn/do fo = DequantizeLinear(wo, s)
      /layer/attn/q q0 = MatMul(x, fq)
      /layer/attn/k k0 = MatMul(x, fk)
      /layer/attn/v v0 = MatMul(x, fv)
      /layer/attn/q qs = Reshape(q0, byHead)
      /layer/attn/k ks = Reshape(k0, byHead)
      /layer/attn/v vs = Reshape(v0, byHead)
      ${APART}
      ${MIXED}
      /layer/attn/o y = MatMul(z, fo)`,
  },
}

for (const [name, form] of Object.entries(forms)) {
  test(`${name}: heads are found, add up, and are written`, async t => {
    const graph: TextGraph = { name, inputs: { x: ['batch:1', 3, 8] }, outputs: ['y'], ...form }
    const path = `${await temporaryFolder(t)}/form.onnx`
    writeFileSync(path, encodeGraph(graph))
    const model = await load(path)
    const inputs = feeds(graph) as unknown as Record<string, Tensor>
    t.is(model.layer.attn.heads.length, 2)
    const patterns = (m: Model) => {
      const { q, k, pattern } = m.layer.attn.heads
      const products = q
        .transpose(1, 2)
        .matmul(k.permute([0, 2, 3, 1]))
        .mul(0.5)
      const scores = form.bias === undefined ? products : products.add(m.tensor(form.bias))
      return { pattern, ofProducts: scores.softmax(-1) }
    }
    const read = await model.trace(inputs, m => {
      const { heads } = m.layer.attn
      return {
        y: m.tensor('y'),
        sum: heads.result.sum(2),
        rest: heads[1].result,
        mixed: heads.pattern.matmul(heads.v.transpose(1, 2)).transpose(1, 2),
        z: heads.z,
        rows: heads.pattern.sum(-1),
        ...patterns(m),
      }
    })
    if (!form.isCausal) t.true(near(read.ofProducts, read.pattern, 1e-4))
    t.true(near(read.sum, read.y, 1e-4))
    t.true(near(read.mixed, read.z, 1e-4))
    t.true([...(read.rows.data as Float32Array)].every(sum => Math.abs(sum - 1) < 1e-5))
    const without = await model.trace(inputs, m => {
      m.layer.attn.heads[0].z = 0
      return m.tensor('y')
    })
    t.true(near(without, read.rest, 1e-4))
    t.false(near(without, read.y, 1e-4))
    const keyless = await model.trace(inputs, m => {
      m.layer.attn.heads[1].k = 0
      return { ...patterns(m), y: m.tensor('y') }
    })
    t.false(near(keyless.y, read.y, 1e-4))
    if (!form.isCausal) t.true(near(keyless.ofProducts, keyless.pattern, 1e-4))
    await model.release()
  })
}

/** One key and one value for all heads, whose queries lie beside one another in the axis of tokens, as older versions of GPT-BigCode have them. */
test('heads that are merged with tokens instead of the batch are refused, for any number of prompts', async t => {
  const graph: TextGraph = {
    name: 'merged with tokens',
    inputs: { x: ['batch:4', 3, 8] },
    outputs: ['y'],
    weights: {
      wq: ['f32', [8, 8]],
      wk: ['f32', [8, 4]],
      wv: ['f32', [8, 4]],
      ofBoth: ['i64', [3], [0, 6, 4]],
      scored: ['i64', [4], [0, 3, 2, 3]],
      weighed: ['i64', [3], [0, 6, 3]],
      flat: ['i64', [3], [0, 3, 8]],
      wo: ['f32', [8, 8]],
    },
    nodes: `/layer/attn/q p = MatMul(x, wq)
      /layer/attn/k k0 = MatMul(x, wk)
      /layer/attn/v v = MatMul(x, wv)
      /layer/attn q = Reshape(p, ofBoth)
      /layer/attn k = Transpose(k0; perm=[0, 2, 1])
      /layer/attn raw = MatMul(q, k)
      /layer/attn scores = Reshape(raw, scored)
      /layer/attn pattern = Softmax(scores; axis=-1)
      /layer/attn weights = Reshape(pattern, weighed)
      /layer/attn mixed = MatMul(weights, v)
      /layer/attn z = Reshape(mixed, flat)
      /layer/attn/o y = MatMul(z, wo)`,
  }
  const path = `${await temporaryFolder(t)}/form.onnx`
  writeFileSync(path, encodeGraph(graph))
  const model = await load(path)
  const error = await t.throwsAsync(
    model.trace(feeds(graph) as unknown as Record<string, Tensor>, m => m.layer.attn.heads.z),
    { code: 'no-heads' },
  )
  t.regex(error!.message, /can’t be told apart|number of heads/)
  await model.release()
})
