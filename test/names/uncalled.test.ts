import { writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { temporaryFolder } from '../cache/model-copies.ts'
import { encodeGraph, feeds, type TextGraph } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

/** Two layers with the names of a classic export of OPT, where `self.model.decoder(…)` runs and `self.model(…)` does not. */
const graphOf = (parameters: string): TextGraph => ({
  name: 'opt',
  inputs: { x: ['batch:1', 3, 8] },
  outputs: ['y'],
  weights: {
    [`${parameters}.layers.0.fc1.weight`]: ['f32', [8, 8]],
    [`${parameters}.layers.1.fc1.weight`]: ['f32', [8, 8]],
    'onnx::MatMul_9': ['f32', [8, 8]],
  },
  nodes: `/decoder/layers.0/fc1 a = MatMul(x, ${parameters}.layers.0.fc1.weight)
    /decoder/layers.0/activation_fn b = Relu(a)
    /decoder/layers.1/fc1 c = MatMul(b, ${parameters}.layers.1.fc1.weight)
    /decoder/layers.1/activation_fn d = Relu(c)
    /lm_head y = MatMul(d, onnx::MatMul_9)`,
})

async function opened(t: ExecutionContext, graph: TextGraph): Promise<Model> {
  const path = `${await temporaryFolder(t)}/opt.onnx`
  writeFileSync(path, encodeGraph(graph))
  return load(path)
}

test('modules lie under one that PyTorch never calls, if all of their parameters name it', async t => {
  const graph = graphOf('model.decoder')
  const model = await opened(t, graph)
  t.deepEqual(
    model.modules.map(({ path }) => path),
    ['model', 'lm_head'],
  )
  const inputs = feeds(graph) as unknown as Record<string, Tensor>
  const { hidden, doubled } = await model.trace(inputs, m => ({
    hidden: m.model.decoder.layers[1].fc1.input,
    doubled: m.tensor('y').mul(2),
  }))
  t.deepEqual([...hidden.dims], [1, 3, 8])
  const written = await model.trace(inputs, m => {
    m.model.decoder.layers[0].output = m.model.decoder.layers[0].output.mul(2)
    return m.tensor('y')
  })
  t.true(near(written, doubled, 1e-5))
  t.regex(String(model), /fc1 {2}· 1 node · weight \[8, 8\]/)
  await model.release()
})

test('names stay as they are where parameters have the same path', async t => {
  const model = await opened(t, graphOf('decoder'))
  t.deepEqual(
    model.modules.map(({ path }) => path),
    ['decoder', 'lm_head'],
  )
  await model.release()
})

test('names stay as they are where parameters name different modules', async t => {
  const graph = graphOf('model.decoder')
  const other = 'other.decoder.layers.1.fc1.weight'
  const { 'model.decoder.layers.1.fc1.weight': moved, ...rest } = graph.weights!
  const model = await opened(t, {
    ...graph,
    weights: { ...rest, [other]: moved },
    nodes: graph.nodes.replace('model.decoder.layers.1.fc1.weight', other),
  })
  t.deepEqual(
    model.modules.map(({ path }) => path),
    ['decoder', 'lm_head'],
  )
  await model.release()
})
