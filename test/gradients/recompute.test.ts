import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { grad, load, type Model, type Tensor, type TraceReport, tensor, WorkerBackend, withGrad } from 'onnsight'
import { adam, integratedGradients, logProbability, optimize } from 'onnsight/study'
import { ModelProtoSchema, NodeProtoSchema } from '#dist/runtime/onnx/schema/onnx_pb.js'

const ids = [[18, 47, 56, 57, 58]]
type Gradients = Readonly<Record<string, Tensor>>

const last = (m: Model): Tensor => m.module('lm_head').output.slice('0, -1').logSoftmax(-1).slice('5')

function off(a: Tensor, b: Tensor): number {
  const [x, y] = [a, b].map(each => Array.from(each.data as Float32Array, Number))
  return Math.max(...x.map((each, i) => Math.abs(each - y[i]))) / Math.max(...y.map(Math.abs))
}

const backwardSteps = ({ steps }: TraceReport) => steps.filter(({ label }) => label.startsWith('backward through'))

/** Runs a block with and without `recompute`, and compares all gradients. @returns the reports */
async function bothWays(t: ExecutionContext, model: Model, block: (m: Model) => Gradients, most = 1e-5) {
  const reports: TraceReport[] = []
  const run = (recompute: boolean) => model.trace(ids, { recompute, onReport: report => reports.push(report) }, block)
  const [again, kept] = [await run(true), await run(false)]
  for (const name of Object.keys(kept)) {
    t.true(Array.from(kept[name].data as Float32Array, Number).some(each => each !== 0))
    t.true(off(again[name], kept[name]) < most, `${name}: ${off(again[name], kept[name])}`)
  }
  return { again: reports[0], kept: reports[1] }
}

const models: Readonly<Record<string, { path: string; layers: string; segments: number; most?: number }>> = {
  'a GPT-2': { path: 'test/fixtures/models/chars.onnx', layers: 'transformer.h', segments: 3 },
  'a GPT-2 in float16': {
    path: 'test/fixtures/models/chars-fp16.onnx',
    layers: 'transformer.h',
    segments: 3,
    most: 0.02,
  },
  'a Llama of fused operators in 4 bits': {
    path: 'test/fixtures/exported/llama/genai-int4/model.onnx',
    layers: 'model.layers',
    segments: 1,
    most: 1e-3,
  },
}

for (const [name, { path, layers, segments, most }] of Object.entries(models)) {
  test.serial(`${name}: the same gradients, from each block computed again`, async t => {
    const model = await load(path)
    const { again, kept } = await bothWays(
      t,
      model,
      m =>
        grad(last(m), {
          first: m.module(`${layers}.0`).output,
          inside: m.module(`${layers}.1`).input,
        }),
      most,
    )
    t.is(backwardSteps(again).length, segments)
    t.is(backwardSteps(kept).length, 0)
    const nodes = ({ steps }: TraceReport): number => steps.reduce((sum, step) => sum + step.nodes, 0)
    t.true(nodes(again) > nodes(kept))
    await model.release()
  })
}

test.serial('edits, hooks, weights, operands, several gradients, and operations on gradients', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const steer = tensor(Array.from({ length: 128 }, (_, i) => Math.sin(i)))
  const { again } = await bothWays(t, model, m => {
    const [one, two, three] = [1, 2, 3].map(layer => m.module(`transformer.h.${layer}`))
    const mlp = m.module('transformer.h.2.mlp')
    const early = m.module('transformer.h.0').output
    one.output = one.output.add(steer).mul(early.tanh())
    mlp.output.set(':, -1', mlp.output.slice(':, 0').mul(2))
    withGrad(m.module('transformer.h.2.attn').output, g => g.mul(early.sigmoid()).mul(0.5))
    three.input = three.input.mul(1.5)
    two.output = two.output.mul(two.input.sigmoid())
    const loss = last(m)
    const { weight, ...places } = grad(loss, {
      weight: m.module('transformer.h.1.mlp.c_fc').weights.weight,
      embeddings: m.module('transformer.h.0').input,
      inside: m.module('transformer.h.1.attn').ops.Softmax[0].output,
      steer,
    })
    const other = grad(three.output.mul(early).sum(), early)
    return {
      ...places,
      weight,
      other,
      length: places.embeddings.mul(places.embeddings).sum().sqrt(),
      sum: weight.abs().sum(),
    }
  })
  t.is(backwardSteps(again).length, 4)
  // An edit that stands is differentiated too.
  const edited = await model.edit(m => {
    const layer = m.module('transformer.h.2')
    layer.output = layer.output.mul(layer.input.sigmoid())
  })
  await bothWays(t, edited, m => ({ g: grad(last(m), m.module('transformer.h.0').output) }))
  await model.release()
})

test.serial('where a gradient is differentiated again or written into the model, all is kept', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const place = 'transformer.h.1'
  const twice = await bothWays(t, model, m => {
    const h = m.module(place).output
    return { g: grad(grad(last(m), h).pow(2).sum(), h) }
  })
  const written = await bothWays(t, model, m => {
    const h = m.module(place).output
    m.module('transformer.h.3').output = m.module('transformer.h.3').output.add(grad(h.pow(3).sum(), h))
    return { logits: m.module('lm_head').output }
  })
  t.deepEqual(
    [twice, written].map(({ again }) => backwardSteps(again).length),
    [0, 0],
  )
  await model.release()
})

test.serial('studies, optimize(), backward(), intervention graphs and workers take the option', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const reports: TraceReport[] = []
  const options = { recompute: true, onReport: (report: TraceReport) => reports.push(report) }
  const expected = await model.trace(ids, m => grad(last(m), m.module('transformer.h.0').output))
  const backward = await model.trace(ids, options, m => {
    last(m).backward()
    return m.module('transformer.h.0').output.grad
  })
  t.true(off(backward, expected) < 1e-5)
  await integratedGradients(model, ids, { metric: logProbability(5), steps: 2, ...options })
  await optimize(model, {
    inputs: ids,
    parameters: { v: tensor(new Float32Array(128)) },
    steps: 1,
    optimizer: adam({ learningRate: 0.1 }),
    loss({ v }) {
      const layer = model.module('transformer.h.0')
      layer.output = layer.output.add(v)
      return last(model).neg()
    },
    ...options,
  })
  const backend = new WorkerBackend()
  const there = await model.trace(ids, { ...options, backend }, m => grad(last(m), m.module('transformer.h.0').output))
  backend.release()
  t.true(off(there, expected) < 1e-5)
  t.true(reports.length >= 4)
  for (const report of reports.filter(({ steps }) => steps.length > 2)) t.true(backwardSteps(report).length > 0)
  await model.release()
})

test.serial('a value that is random is not made a second time', async t => {
  const { readFile, writeFile, mkdtemp } = await import('node:fs/promises')
  const { fromBinary } = await import('@bufbuild/protobuf')
  const { tmpdir } = await import('node:os')
  const proto = fromBinary(ModelProtoSchema, await readFile('test/fixtures/models/chars.onnx'))
  const graph = proto.graph!
  // Noise is multiplied with what the softmax of each layer's attention makes.
  for (const [i, node] of [...graph.node].entries()) {
    if (node.opType !== 'Softmax') continue
    const [output] = node.output
    const scope = node.name.replace(/Softmax$/, '')
    node.output[0] = `${output} before`
    graph.node.splice(
      graph.node.indexOf(node) + 1,
      0,
      create(NodeProtoSchema, {
        name: `${scope}RandomUniformLike`,
        opType: 'RandomUniformLike',
        input: [node.output[0]],
        output: [`${output} noise ${i}`],
      }),
      create(NodeProtoSchema, {
        name: `${scope}Mul`,
        opType: 'Mul',
        input: [node.output[0], `${output} noise ${i}`],
        output: [output],
      }),
    )
  }
  const path = join(await mkdtemp(join(tmpdir(), 'onnsight-')), 'noisy.onnx')
  await writeFile(path, toBinary(ModelProtoSchema, proto))
  const model = await load(path)
  const reports: TraceReport[] = []
  const { g, h, out } = await model.trace(ids, { recompute: true, onReport: report => reports.push(report) }, m => {
    const { Softmax, Mul } = m.module('transformer.h.1.attn').ops
    const [h, out] = [Softmax[0].output, Mul.at(-1)!.output]
    return { g: grad(out.add(last(m).mul(0)).sum(), h), h, out }
  })
  t.true(backwardSteps(reports[0]).length > 0)
  t.true(off(await g.mul(h).value(), out) < 1e-6)
  await model.release()
})
