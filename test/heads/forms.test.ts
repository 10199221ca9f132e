import { writeFileSync } from 'node:fs'
import test from 'ava'
import { load, type Tensor } from 'onnsight'
import { temporaryFolder } from '../cache/model-copies.ts'
import { encodeGraph, feeds, type TextGraph } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

/** Attention of two heads of 4, written in each of these ways; the last line gives the layer's output, y. */
const forms: Readonly<Record<string, Pick<TextGraph, 'weights' | 'nodes'>>> = {
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
