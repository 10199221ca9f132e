import { writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { temporaryFolder } from '../cache/model-copies.ts'
import { encodeGraph, feeds, type TextGraph } from '../engine/fusions/text-graph.ts'
import { near } from '../near.ts'

// The values inside a norm: the mean, the deviation, and the normalised value before scale and bias.

const graph = (norm: string, opset: number, kind: 'f32' | 'f16' = 'f32'): TextGraph => ({
  name: norm,
  inputs: { x: [kind, 'batch:2', 'tokens:3', 8] },
  weights: { gamma: [kind, [8]], beta: [kind, [8]] },
  nodes: `/layer h = Add(x, x)\n/layer n = ${norm}\n/layer y = Add(n, h)`,
  opset,
})
const forms: Record<string, TextGraph> = {
  'LayerNormalization of opset 17': graph('LayerNormalization(h, gamma, beta; axis=-1, epsilon=0.001f)', 17),
  'LayerNormalization of opset 21': graph('LayerNormalization(h, gamma, beta; axis=-1, epsilon=0.001f)', 21),
  'LayerNormalization in float16': graph('LayerNormalization(h, gamma, beta; axis=-1, epsilon=0.001f)', 17, 'f16'),
  RMSNormalization: graph('RMSNormalization(h, gamma; axis=-1, epsilon=0.001f)', 23),
  SimplifiedLayerNormalization: graph(
    'SimplifiedLayerNormalization(h, gamma; axis=-1, epsilon=0.001f, stash_type=1)',
    14,
  ),
}
const inputs = (of: TextGraph) => feeds(of) as unknown as Record<string, Tensor>

async function opened(t: ExecutionContext, of: TextGraph): Promise<Model> {
  const path = `${await temporaryFolder(t)}/norm.onnx`
  writeFileSync(path, encodeGraph(of))
  return load(path)
}

for (const [name, of] of Object.entries(forms))
  test(`${name}: its parts are read and written; the operator and its neighbours are where they were`, async t => {
    const model = await opened(t, of)
    const [opType] = name.split(' ')
    const isCentred = opType === 'LayerNormalization'
    const tolerance = name.endsWith('float16') ? 2e-3 : 1e-5
    const read = await model.trace(inputs(of), m => {
      const { ops, weights } = m.layer
      return {
        x: ops[opType][0].input,
        mean: isCentred ? ops.ReduceMean[0].output : undefined,
        deviation: ops.Sqrt[0].output,
        unit: ops.Div[0].output,
        whole: ops[opType][0].output,
        first: ops.Add[0].output,
        last: ops.Add[1].output,
        gamma: weights.gamma,
        beta: isCentred ? weights.beta : undefined,
      }
    })
    const x = read.x.to('float32')
    const mean = x.mean(-1, { keepdim: true })
    const centred = isCentred ? x.sub(mean) : x
    const deviation = centred.pow(2).mean(-1, { keepdim: true }).add(0.001).sqrt()
    const is = async (got: Tensor, due: Tensor): Promise<boolean> =>
      near(await got.to('float32').value(), await due.to('float32').value(), tolerance)
    if (read.mean) t.true(await is(read.mean, mean))
    t.true(await is(read.deviation, deviation))
    t.true(await is(read.unit, centred.div(deviation)))
    t.true(await is(read.first, read.x))
    t.true(await is(read.last, read.whole.add(read.x)))
    const moved = await model.trace(inputs(of), m => {
      m.layer.ops.Div[0].output = m.layer.ops.Div[0].output.mul(2)
      return m.layer.ops[opType][0].output
    })
    const due = read.beta ? read.whole.sub(read.beta).mul(2).add(read.beta) : read.whole.mul(2)
    t.true(await is(moved, due))
    t.false(await is(moved, read.whole))
    await model.release()
  })

test('a model that nobody reaches inside of has the file’s own nodes and values, and runs the file’s own operator', async t => {
  const of = forms['LayerNormalization of opset 17']
  const model = await opened(t, of)
  t.deepEqual(model.nodeNames, ['/layer/Add', '/layer/LayerNormalization', '/layer/Add_2'])
  t.deepEqual(model.tensorNames, ['h', 'n', 'y'])
  t.deepEqual(
    model.engine.blocks.map(({ nodes }) => nodes).reduce((sum, nodes) => sum + nodes, 0),
    3,
  )
  const { y } = await model.run(inputs(of))
  const [n, whole] = await model.trace(inputs(of), m => [m.tensor('n'), m.tensor('y')])
  t.deepEqual([...whole.data], [...y.data])
  t.true(n.dims.length === 3)
  await model.release()
})
