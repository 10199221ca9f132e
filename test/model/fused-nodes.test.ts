import { writeFileSync } from 'node:fs'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { temporaryFolder } from '../cache/model-copies.ts'
import { encodeGraph, feeds, type TextGraph } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

const opened = load('test/fixtures/models/verse/onnx/model_q4.onnx')
const ids = [[5, 66, 7, 188, 9]]
const attention = (m: Model) => m.model.layers[1].attn.ops.GroupQueryAttention[0]

test('a fused node that is written out is read by its own operation and name too', async t => {
  const model = await opened
  const read = await model.trace(ids, m => ({
    mixed: attention(m).output,
    byName: m.node('/model/layers.1/attn/GroupQueryAttention').output,
    projected: m.model.layers[1].attn.o_proj.input,
    query: attention(m).input,
    product: m.model.layers[1].attn.q_proj.output,
    cache: attention(m).outputAt(1),
  }))
  t.deepEqual([...read.mixed.data], [...read.projected.data])
  t.deepEqual([...read.byName.data], [...read.mixed.data])
  t.deepEqual([...read.query.data], [...read.product.data])
  t.deepEqual([...read.cache.dims], [1, 2, 5, 32])
})

test('what a fused node reads and gives can be written', async t => {
  const model = await opened
  const whole = await model.trace(ids, m => m.model.layers[1].attn.output)
  const none = await model.trace(ids, m => {
    attention(m).output = 0
    return m.model.layers[1].attn.output
  })
  t.true([...(none.data as Float32Array)].every(n => n === 0))
  const [byNode, byModule] = await Promise.all([
    model.trace(ids, m => {
      attention(m).input = attention(m).input.mul(0.5)
      return m.model.layers[1].attn.output
    }),
    model.trace(ids, m => {
      m.model.layers[1].attn.q_proj.output = m.model.layers[1].attn.q_proj.output.mul(0.5)
      return m.model.layers[1].attn.output
    }),
  ])
  t.true(near(byNode, byModule, 1e-5))
  t.false(near(byNode, whole, 1e-3))
})

test('BERT as onnxruntime’s optimiser writes it: the embedding’s tables, their sum and its norm are modules again', async t => {
  const bert = await load('test/fixtures/exported/bert/classic+optimizer/model.onnx')
  const inputs = { input_ids: [[5, 6, 7]], attention_mask: [[1, 1, 1]], token_type_ids: [[0, 1, 0]] }
  const read = await bert.trace(inputs, m => {
    const { word_embeddings, position_embeddings, token_type_embeddings, LayerNorm } = m.embeddings
    return {
      words: word_embeddings.output,
      table: word_embeddings.weights.weight,
      positions: position_embeddings.output,
      types: token_type_embeddings.output,
      sum: LayerNorm.input,
      norm: LayerNorm.output,
      output: m.embeddings.output,
      first: m.encoder.layer[0].input,
    }
  })
  t.deepEqual([...read.words.dims], [1, 3, 64])
  t.true(near(await read.words.slice('0, 1').value(), await read.table.slice('6').value(), 0))
  const sum = await read.words.add(read.positions).add(read.types).value()
  t.true(near(sum, read.sum, 1e-6))
  t.deepEqual([...read.norm.data], [...read.output.data])
  t.deepEqual([...read.first.data], [...read.output.data])
  const [moved, plain] = await Promise.all([
    bert.trace(inputs, m => {
      m.embeddings.word_embeddings.output = 0
      return m.embeddings.LayerNorm.input
    }),
    read.positions.add(read.types).value(),
  ])
  t.true(near(moved, plain, 1e-6))
})

const masked: TextGraph = {
  name: 'one token at a time',
  inputs: {
    x: ['batch:1', 1, 16],
    past: ['batch:1', 2, 'most:4', 8],
    pastv: ['batch:1', 2, 'most:4', 8],
    length: ['i32', 1],
  },
  given: { length: [2] },
  weights: { w: ['f32', [16, 16]] },
  nodes: `/layer/attn/q q = MatMul(x, w)
    /layer/attn a, pk, pv = com.microsoft.DecoderMaskedMultiHeadAttention(q, x, x, , , past, pastv, length; num_heads=2, past_present_share_buffer=1)
    /layer/o y = MatMul(a, w)`,
  outputs: ['y', 'pk', 'pv'],
}

test('DecoderMaskedMultiHeadAttention is read and written around, and refused inside, by its name', async t => {
  const path = `${await temporaryFolder(t)}/masked.onnx`
  writeFileSync(path, encodeGraph(masked))
  const model = await load(path)
  const inputs = feeds(masked) as unknown as Record<string, Tensor>
  const whole = await model.trace(inputs, m => m.layer.attn.ops.DecoderMaskedMultiHeadAttention[0].output)
  t.deepEqual([...whole.dims], [1, 1, 16])
  const none = await model.trace(inputs, m => {
    m.layer.attn.ops.DecoderMaskedMultiHeadAttention[0].output = 0
    return m.tensor('y')
  })
  t.true([...(none.data as Float32Array)].every(value => value === 0))
  const refused = model.trace(inputs, m => m.layer.attn.ops.Softmax[0].output)
  const error = (await t.throwsAsync(refused)) as OnnsightError
  t.is(error.code, 'unknown-operation')
  t.regex(error.message, /inside the fused operation DecoderMaskedMultiHeadAttention/)
  await model.release()
})
