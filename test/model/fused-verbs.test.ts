import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { generateTypes } from '#dist/cli/types/generate.js'
import type { ModelProto } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { near } from '../near.ts'
import { bytes, type FusedCase, int32, int64, modelOf, random } from '../onnx/expansions/fused.ts'
import { saved } from './hand-graph.ts'

/** Fused operators, each alone in a model, with a value that is made inside. */
const operators: Record<string, { fused: FusedCase; inside: string }> = {
  MoE: {
    fused: {
      opType: 'MoE',
      attributes: { k: { int: 2 }, activation_type: { string: 'silu' } },
      inputs: [
        random([1, 3, 4], 1),
        random([3, 3], 2),
        random([3, 5, 4], 3, true),
        undefined,
        random([3, 4, 5], 4, true),
      ],
      outputs: ['y'],
    },
    inside: 'ScatterElements',
  },
  QMoE: {
    fused: {
      opType: 'QMoE',
      attributes: { k: { int: 1 }, activation_type: { string: 'relu' }, expert_weight_bits: { int: 8 } },
      inputs: [
        random([3, 16], 1),
        random([3, 2], 2),
        bytes([2, 16, 16], 3),
        { ...random([2, 16], 4, true), data: new Float32Array(32).fill(0.01) },
        undefined,
        bytes([2, 16, 16], 5),
        { ...random([2, 16], 6, true), data: new Float32Array(32).fill(0.01) },
      ],
      outputs: ['y'],
    },
    inside: 'ScatterElements',
  },
  FusedMatMul: {
    fused: {
      opType: 'FusedMatMul',
      attributes: { transB: { int: 1 }, alpha: { float: 0.5 } },
      inputs: [random([1, 3, 4], 1), random([1, 3, 4], 2)],
      outputs: ['y'],
    },
    inside: 'MatMul',
  },
  FusedGemm: {
    fused: {
      opType: 'FusedGemm',
      attributes: { activation: { string: 'Tanh' } },
      inputs: [random([3, 4], 1), random([4, 5], 2, true), random([5], 3, true)],
      outputs: ['y'],
    },
    inside: 'Gemm',
  },
  FusedConv: {
    fused: {
      opType: 'FusedConv',
      attributes: { activation: { string: 'Sigmoid' } },
      inputs: [random([1, 2, 5, 5], 1), random([3, 2, 3, 3], 2, true)],
      outputs: ['y'],
    },
    inside: 'Conv',
  },
  QuickGelu: {
    fused: { opType: 'QuickGelu', attributes: {}, inputs: [random([2, 3], 1)], outputs: ['y'] },
    inside: 'Sigmoid',
  },
  'RotaryEmbedding of com.microsoft': {
    fused: {
      opType: 'RotaryEmbedding',
      attributes: { num_heads: { int: 2 } },
      inputs: [random([1, 3, 16], 1), int64([1, 3], [0, 1, 2]), random([8, 4], 2, true), random([8, 4], 3, true)],
      outputs: ['y'],
    },
    inside: 'Gather',
  },
  'RotaryEmbedding of opset 23': {
    fused: {
      opType: 'RotaryEmbedding',
      domain: '',
      opset: 23,
      attributes: { num_heads: { int: 2 } },
      inputs: [random([1, 3, 16], 1), random([8, 4], 2, true), random([8, 4], 3, true), int64([1, 3], [0, 1, 2])],
      outputs: ['y'],
    },
    inside: 'Gather',
  },
  EmbedLayerNormalization: {
    fused: {
      opType: 'EmbedLayerNormalization',
      attributes: { epsilon: { float: 1e-5 } },
      inputs: [
        int32([1, 3], [1, 2, 3]),
        undefined,
        random([5, 4], 1, true),
        random([6, 4], 2, true),
        undefined,
        random([4], 3, true),
        random([4], 4, true),
      ],
      outputs: ['y', 'lengths'],
    },
    inside: 'Add',
  },
}

const folder = mkdtempSync(join(tmpdir(), 'onnsight-fused-'))

/** Behind the node a plain one: a value that leaves the fused one for another. */
function withReader(proto: ModelProto): ModelProto {
  const [node] = proto.graph!.node
  const reader = { ...node, name: '/after/Neg', opType: 'Neg', domain: '', input: ['y'], output: ['z'], attribute: [] }
  const output = [{ ...proto.graph!.output[0], name: 'z' }]
  return { ...proto, graph: { ...proto.graph!, node: [node, reader], output } }
}

for (const [name, { fused, inside }] of Object.entries(operators))
  test(`${name}: opened, scanned, run, traced inside, edited, kept, saved and typed`, async t => {
    const proto = withReader(modelOf(fused))
    const model = await load(saved(proto))
    const inputs = Object.fromEntries(
      fused.inputs.flatMap((input, i) =>
        input && !input.isWeight ? [[`x${i}`, { data: input.data, dims: input.dims }]] : [],
      ),
    )
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([key, { data, dims }]) => [key, { data, dims, type: typeOf(data) }]),
    ) as never
    const { z } = await model.run(feeds)
    const shapes = await model.scan(feeds)
    t.truthy(shapes)
    const read = await model.trace(feeds, m => ({
      inner: m.layer.ops[inside][0].output,
      whole: m.layer.ops[fused.opType][0].output,
      z: m.tensor('z'),
    }))
    t.true(near(read.z, z, 1e-5))
    t.true(near(await read.whole.neg().value(), z, 1e-5))
    t.true(read.inner.dims.length > 0)
    const scaled = await model.trace(feeds, m => {
      const node = m.layer.ops[inside][0]
      node.output = node.output.mul(0)
      return m.tensor('z')
    })
    t.false(near(scaled, z, 1e-3))
    const edited = model.edit(m => {
      const node = m.layer.ops[inside][0]
      node.output = node.output.mul(0)
    })
    t.true(near((await edited.run(feeds)).z, scaled, 1e-5))
    const path = join(folder, `${name}.onnx`)
    await edited.save(path)
    const opened = await load(path)
    t.true(near((await opened.run(feeds)).z, scaled, 1e-5))
    t.true(near(await opened.trace(feeds, m => m.tensor('z')), scaled, 1e-5))
    t.regex(generateTypes(model, 'Fused', 'fused.onnx'), new RegExp(`'${inside}'`))
    for (const one of [model, opened]) await one.release()
  })

function typeOf(data: unknown): string {
  if (data instanceof Float32Array) return 'float32'
  return data instanceof Int32Array ? 'int32' : 'int64'
}
