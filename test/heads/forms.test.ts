import { writeFileSync } from 'node:fs'
import test from 'ava'
import { load, type Tensor } from 'onnsight'
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

/** An attention of two heads of 4, written in different ways. The last line computes the layer's output, y. */
const forms: Readonly<Record<string, Pick<TextGraph, 'weights' | 'nodes' | 'opset'>>> = {
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
    const read = await model.trace(inputs, m => {
      const { heads } = m.layer.attn
      return {
        y: m.tensor('y'),
        sum: heads.result.sum(2),
        rest: heads[1].result,
        mixed: heads.pattern.matmul(heads.v.transpose(1, 2)).transpose(1, 2),
        z: heads.z,
        rows: heads.pattern.sum(-1),
      }
    })
    t.true(near(read.sum, read.y, 1e-4))
    t.true(near(read.mixed, read.z, 1e-4))
    t.true([...(read.rows.data as Float32Array)].every(sum => Math.abs(sum - 1) < 1e-5))
    const without = await model.trace(inputs, m => {
      m.layer.attn.heads[0].z = 0
      return m.tensor('y')
    })
    t.true(near(without, read.rest, 1e-4))
    t.false(near(without, read.y, 1e-4))
    await model.release()
  })
}
