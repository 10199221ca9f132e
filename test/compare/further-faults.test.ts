import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { compare } from 'onnsight/compare'
import { clipped, coarse, rolled, Spoilt, scaled } from './faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-compare-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const VERSE = 'test/fixtures/models/verse/onnx/model.onnx'
const VERSE_Q4 = 'test/fixtures/models/verse/onnx/model_q4.onnx'
const CHARS = 'test/fixtures/models/chars.onnx'
const RESNET = 'test/fixtures/names/resnet.onnx'
const BERT = 'test/fixtures/batch/bert.onnx'
const WHOLE = 'test/fixtures/encoder-decoder/whole.onnx'

/** Sets the floats at these columns of a matrix to 0. */
const withoutColumns =
  (from: number, to: number) =>
  (values: Float32Array, [, columns]: readonly number[]): Float32Array =>
    values.map((value, i) => (i % columns >= from && i % columns < to ? 0 : value))

/** Mirrors each kernel of a convolution. */
const mirrored = (values: Float32Array, dims: readonly number[]): Float32Array => {
  const width = dims.at(-1)!
  return values.map((_, i) => values[i - (i % width) + width - 1 - (i % width)])
}

/** Faults in models and kinds beside those of `faults.ts`: fused 4-bit graphs, an encoder with a decoder, heads, norms, masks. */
const faults: readonly {
  readonly what: string
  readonly model: string
  /** The build that gets the fault, if it is not the model itself. */
  readonly build?: string
  /** The guilty modules, in any order. */
  readonly modules: readonly string[]
  readonly spoil: (model: Spoilt) => void
}[] = [
  {
    what: 'a wrong scale of a 4-bit matrix',
    model: VERSE,
    build: VERSE_Q4,
    modules: ['model.layers.2.self_attn.o_proj'],
    spoil: model => model.floats('model.layers.2.attn.o_proj.MatMul.weight_scales', scaled(3)),
  },
  {
    what: 'a 4-bit matrix of one bit',
    model: VERSE,
    build: VERSE_Q4,
    modules: ['model.layers.1.mlp.gate_proj'],
    spoil: model => {
      const tensor = model.tensor('model.layers.1.mlp.gate_proj.MatMul.weight_Q4')
      tensor.rawData = Uint8Array.from(tensor.rawData, byte => byte & 0x88)
    },
  },
  {
    what: 'the scale of scores in a fused attention',
    model: VERSE_Q4,
    modules: ['model.layers.1.attn'],
    spoil: model => {
      const attribute = model
        .node('/model/layers.1/attn/GroupQueryAttention')
        .attribute.find(({ name }) => name === 'scale')!
      attribute.f *= 4
    },
  },
  {
    what: 'a scaled norm that is fused with a sum',
    model: VERSE_Q4,
    modules: ['model.layers.2.post_attention_layernorm'],
    spoil: model => model.floats('model.layers.2.post_attention_layernorm.weight', scaled(2)),
  },
  {
    what: 'queries without one head',
    model: VERSE,
    modules: ['model.layers.1.self_attn.q_proj'],
    spoil: model => model.matrix('/model/layers.1/self_attn/q_proj/MatMul', withoutColumns(64, 96)),
  },
  {
    what: 'one head’s part of a matrix for all three',
    model: CHARS,
    modules: ['transformer.h.1.attn.c_attn'],
    spoil: model => model.matrix('/transformer/h.1/attn/c_attn/Gemm', withoutColumns(288, 320)),
  },
  {
    what: 'two matrices at once',
    model: VERSE,
    modules: ['model.layers.0.self_attn.v_proj', 'model.layers.3.mlp.up_proj'],
    spoil: model => {
      model.matrix('/model/layers.0/self_attn/v_proj/MatMul', coarse(2))
      model.matrix('/model/layers.3/mlp/up_proj/MatMul', coarse(2))
    },
  },
  {
    what: 'an activation and a bias at once',
    model: CHARS,
    modules: ['transformer.h.0.mlp.c_fc', 'transformer.h.3.attn.c_proj'],
    spoil: model => {
      model.floats('transformer.h.0.mlp.c_fc.bias', scaled(0))
      model.floats('transformer.h.3.attn.c_proj.weight', scaled(2))
    },
  },
  {
    what: 'the scale of one layer’s scores',
    model: CHARS,
    modules: ['transformer.h.1.attn'],
    spoil: model => model.floats('/transformer/h.1/attn/Constant_21_output_0', scaled(0.2)),
  },
  {
    what: 'a head with rows in another order',
    model: CHARS,
    modules: ['lm_head'],
    spoil: model => model.matrix('/lm_head/MatMul', rolled),
  },
  {
    what: 'a CNN’s dropped bias',
    model: RESNET,
    modules: ['layer1.0.conv2'],
    spoil: model => model.floats('onnx::Conv_60', values => values.map(value => value - 0.5)),
  },
  {
    what: 'mirrored kernels',
    model: RESNET,
    modules: ['layer2.0.conv1'],
    spoil: model => model.matrix('/layer2/layer2.0/conv1/Conv', mirrored),
  },
  {
    what: 'clipped kernels',
    model: RESNET,
    modules: ['stem'],
    spoil: model => model.floats('stem.weight', clipped(0.3)),
  },
  {
    what: 'a CNN’s other activation',
    model: RESNET,
    modules: ['layer1.0.relu'],
    spoil: model => {
      model.node('/layer1/layer1.0/relu/Relu').opType = 'Sigmoid'
    },
  },
  {
    what: 'a CNN’s subtracted residual',
    model: RESNET,
    modules: ['layer2.0'],
    spoil: model => {
      model.node('/layer2/layer2.0/Add').opType = 'Sub'
    },
  },
  {
    what: 'a CNN’s scaled head',
    model: RESNET,
    modules: ['fc'],
    spoil: model => model.floats('fc.weight', scaled(1.2)),
  },
  {
    what: 'an encoder’s norm with another epsilon',
    model: BERT,
    modules: ['encoder.layer.0.attention.output.LayerNorm'],
    spoil: model => model.floats('/encoder/layer.0/attention/output/LayerNorm/Constant_1_output_0', () => [10]),
  },
  {
    what: 'an encoder’s scale of scores',
    model: BERT,
    modules: ['encoder.layer.0.attention.self'],
    spoil: model => model.floats('/encoder/layer.0/attention/self/Constant_12_output_0', scaled(0.1)),
  },
  {
    what: 'an encoder’s coarse embedding',
    model: BERT,
    modules: ['embeddings'],
    spoil: model => model.floats('embeddings.weight', coarse(3)),
  },
  {
    what: 'an encoder’s other activation',
    model: BERT,
    modules: ['encoder.layer.0.intermediate.intermediate_act_fn'],
    spoil: model => {
      model.node('/encoder/layer.0/intermediate/intermediate_act_fn/Erf').opType = 'Tanh'
      model.floats('/encoder/layer.0/intermediate/intermediate_act_fn/Constant_output_0', scaled(3))
    },
  },
  {
    what: 'an encoder’s subtracted residual',
    model: BERT,
    modules: ['encoder.layer.0.output'],
    spoil: model => {
      model.node('/encoder/layer.0/output/Add').opType = 'Sub'
    },
  },
  {
    what: 'an encoder’s dropped pooler bias',
    model: BERT,
    modules: ['pooler'],
    spoil: model => model.floats('pooler.bias', values => values.map(value => value + 1)),
  },
  {
    what: 'an encoder’s matrix, before a decoder',
    model: WHOLE,
    modules: ['model.encoder.layers.1.mlp.fc1'],
    spoil: model => model.matrix('/encoder/layers.1/mlp/fc1/MatMul', rolled),
  },
  {
    what: 'the bias of a decoder’s queries',
    model: WHOLE,
    modules: ['model.decoder.layers.0.self_attn.q_proj'],
    spoil: model =>
      model.floats('model.decoder.layers.0.self_attn.q_proj.bias', values => values.map(value => value + 1)),
  },
  {
    what: 'the scale of a decoder’s attention to the encoder',
    model: WHOLE,
    modules: ['model.decoder.layers.0.encoder_attn'],
    spoil: model => model.floats('/decoder/layers.0/encoder_attn/Constant_4_output_0', scaled(0.2)),
  },
  {
    what: 'a decoder’s coarse matrix',
    model: WHOLE,
    modules: ['model.decoder.layers.0.mlp.fc2'],
    spoil: model => model.matrix('/decoder/layers.0/mlp/fc2/MatMul', coarse(2)),
  },
]

const ids = [
  [21, 347, 12, 90, 55, 601, 7, 33, 410, 18],
  [300, 44, 44, 219, 9, 87, 650, 71, 20, 5],
]

const inputsOf = (model: string) =>
  model.includes('verse') ? ids : model.includes('chars') ? ids.map(row => row.map(id => id % 65)) : null

for (const [i, { what, model, build = model, modules, spoil }] of faults.entries())
  test.serial(`${what} is blamed on ${modules.join(' and ')}`, async t => {
    const spoilt = new Spoilt(build)
    spoil(spoilt)
    const path = join(folder, `${i}.onnx`)
    spoilt.save(path)
    const [a, b] = [await load(model), await load(path)]
    const found = await compare(a, b, inputsOf(model))
    await a.release()
    await b.release()
    t.true(found.output.mean > 1e-4, 'the fault can be seen')
    const first = found.blame.slice(0, modules.length).map(({ module }) => module)
    t.deepEqual(first.sort(), [...modules].sort(), String(found))
    // A build of four bits makes errors of its own.
    if (modules.length === 1 && build === model) t.is(found.culprit, modules[0], String(found))
  })

test.serial('scores that float16 can not hold are blamed on the attention that computes them', async t => {
  // Queries and keys times 2^8 in both: each fits in float16, and their products do not.
  const isQueryOrKey = (i: number): boolean => i % 384 < 256
  const [float, half] = [new Spoilt(CHARS), new Spoilt('test/fixtures/models/chars-fp16.onnx')]
  const node = '/transformer/h.2/attn/c_attn/Gemm'
  float.matrix(node, values => values.map((value, i) => (isQueryOrKey(i) ? value * 2 ** 8 : value)))
  const weight = half.tensor(half.node(node).input[1])
  const bits = new Uint16Array(weight.rawData.slice().buffer)
  const grown = bits.map((one, i) => (isQueryOrKey(i) && (one & 0x7c00) !== 0 ? one + (8 << 10) : one))
  weight.rawData = new Uint8Array(grown.buffer)
  const paths = ['float', 'half'].map(name => join(folder, `overflow-${name}.onnx`))
  float.save(paths[0])
  half.save(paths[1])
  const [a, b] = [await load(paths[0]), await load(paths[1])]
  const found = await compare(a, b, inputsOf(CHARS))
  t.true(found.output.mean > 1e-4)
  t.is(found.culprit, 'transformer.h.2.attn', String(found))
  await a.release()
  await b.release()
})
