import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load, tensor } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { ModelProtoSchema, NodeProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { encodeGraph, feeds, type TextGraph } from '../../engine/fusions/text-graph.ts'
import { near } from '../../near.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-own-names-'))
const fused: TextGraph = {
  name: 'fused',
  inputs: { x: ['f32', 1, 3, 8] },
  weights: { gamma: ['f32', [8]], beta: ['f32', [8]], bias: ['f32', [8]], w: ['f32', [8, 24]], b: ['f32', [24]] },
  nodes: `h = Tanh(x)
    a = com.microsoft.Attention(h, w, b; num_heads=2)
    s = com.microsoft.SkipLayerNormalization(a, x, gamma, beta, bias; epsilon=0.00001f)
    g = com.microsoft.BiasGelu(s, bias)
    y = Neg(g)`,
}

test('what fused nodes are written out in takes no name that the model has, of a value or of a node', async t => {
  const plain = join(folder, 'plain.onnx')
  writeFileSync(plain, encodeGraph(fused))
  const model = await load(plain)
  const made = model.tensorNames.filter(name => name.includes('.'))
  t.true(made.length > 10)
  t.deepEqual(model.nodeNames, ['Tanh_0', 'Attention_1', 'SkipLayerNormalization_2', 'BiasGelu_3', 'Neg_4'])
  for (const name of model.nodeNames) t.is(model.node(name).name, name)
  await model.release()

  // The same file, in which other values and nodes already have all these names.
  const proto = fromBinary(ModelProtoSchema, encodeGraph(fused))
  const more = made.map(name => create(NodeProtoSchema, { name, opType: 'Abs', input: ['h'], output: [name] }))
  proto.graph!.node.push(...more)
  proto.graph!.output.push({ ...proto.graph!.output[0], name: made[0] })
  const clashing = join(folder, 'clashing.onnx')
  writeFileSync(clashing, toBinary(ModelProtoSchema, proto))
  const { data, dims } = feeds(fused).x
  const session = await ort.InferenceSession.create(clashing, { logSeverityLevel: 4 })
  const due = await session.run({ x: new ort.Tensor('float32', data as Float32Array, dims) })
  const again = await load(clashing)
  const given = { x: tensor(data as Float32Array, dims) }
  const abs = tensor(due[made[0]].data as Float32Array, due[made[0]].dims)
  t.is(new Set(again.tensorNames).size, again.tensorNames.length)
  t.is(again.tensorNames.length, model.tensorNames.length + made.length)
  for (const name of made) t.true(near(await again.trace(given, m => m.tensor(name)), abs), name)
  for (const name of again.tensorNames) {
    const [read, y] = await again.trace(given, m => [m.tensor(name), m.tensor('y')])
    t.true(read.dims.length >= 0)
    t.true(near(y, tensor(due.y.data as Float32Array, due.y.dims)), name)
  }
  t.is(again.nodeNames.length, 5 + made.length)
  await again.release()
  await session.release()
})
