import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load, type Model, type Module, type Tensor } from 'onnsight'
import { inspection } from '#dist/cli/inspect/inspection.js'
import { TensorProto_DataType as OnnxType } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { graph, model, node as plainNode, saved, value } from '../model/hand-graph.ts'
import { near } from '../near.ts'
import { node, Random, stored } from './stored.ts'

const folder = 'test/fixtures/models/verse/onnx'
const ids = [[5, 66, 7, 188, 9]]

/** The number of parameters: 4 layers of width 128 with 2 key and value heads of 32, an inner width of 320, and 1,024 tokens in and out. */
const LLAMA = 4 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 320 * 128 + 2 * 128) + 2 * 1024 * 128 + 128

const PRODUCTS = {
  q_proj: [128, 128],
  k_proj: [64, 128],
  v_proj: [64, 128],
  o_proj: [128, 128],
  gate_proj: [320, 128],
  up_proj: [320, 128],
  down_proj: [128, 320],
}

const productOf = (layer: Module, name: string): Module => {
  const attention = layer.modules.find(({ path }) => /attn$/.test(path))!
  return /^[qkvo]_/.test(name) ? attention[name] : layer.mlp[name]
}

/** Every matrix of the model, by layer and name. */
const matrices = async (model: Model): Promise<Record<string, Tensor>> =>
  model.trace(ids, m => {
    const found: Record<string, Tensor> = {
      head: m.lm_head.weights.weight,
      embedding: m.model.embed_tokens.weights.weight,
    }
    for (let i = 0; i < 4; i++)
      for (const name of Object.keys(PRODUCTS))
        found[`${i}.${name}`] = productOf(m.model.layers[i], name).weights.weight
    return found
  })

for (const file of ['model', 'model_fp16', 'model_int8', 'model_q4']) {
  test(`${file}: parameters have PyTorch’s names and dims, and their number is that of the model’s weights`, async t => {
    const model = await load(`${folder}/${file}.onnx`)
    t.is(inspection(model).parameters, LLAMA)
    const found = await matrices(model)
    for (const [name, dims] of Object.entries(PRODUCTS))
      for (let i = 0; i < 4; i++) t.deepEqual([...found[`${i}.${name}`].dims], dims, `${i}.${name}`)
    t.deepEqual([...found.head.dims], [1024, 128])
    t.deepEqual([...found.embedding.dims], [1024, 128])
    const tree = String(model)
    t.regex(tree, /q_proj {2}· \d nodes? · weight \[128, 128\]/)
    t.false(/onnx::MatMul|_Q4|quantized|\.constant /.test(tree), tree)
  })
}

/** The largest difference between a matrix and the true one, in steps of its scale. */
function stepsOff(got: Tensor, truth: Tensor, step: (row: number, column: number) => number): number {
  const [, columns] = truth.dims as number[]
  const [a, b] = [got.data, truth.data] as Float32Array[]
  return a.reduce((most, n, i) => Math.max(most, Math.abs(n - b[i]) / step(Math.floor(i / columns), i % columns)), 0)
}

test('model_q4: each weight is the nearest of the steps of its block to the float weight that it was made from', async t => {
  const [floats, packed] = await Promise.all([load(`${folder}/model.onnx`), load(`${folder}/model_q4.onnx`)])
  const [truth, found] = [await matrices(floats), await matrices(packed)]
  for (const name of Object.keys(PRODUCTS)) {
    const scales = await packed.trace(ids, m => productOf(m.model.layers[2], name).weights.weight_scales)
    const blocks = PRODUCTS[name as keyof typeof PRODUCTS][1] / 32
    const step = (row: number, column: number) => (scales.data as Float32Array)[row * blocks + Math.floor(column / 32)]
    const most = stepsOff(found[`2.${name}`], truth[`2.${name}`], step)
    t.true(most < 0.5001 && most > 0.4, `${name}: ${most}`)
  }
})

test('model_int8: each weight is the nearest of the steps to the float weight that it was made from', async t => {
  const [floats, quantised] = await Promise.all([load(`${folder}/model.onnx`), load(`${folder}/model_int8.onnx`)])
  const [truth, found] = [await matrices(floats), await matrices(quantised)]
  for (const name of Object.keys(PRODUCTS)) {
    const scale = await quantised.trace(ids, m => {
      const { weights } = productOf(m.model.layers[2], name)
      return weights[Object.keys(weights).find(key => key.endsWith('_scale'))!]
    })
    const most = stepsOff(found[`2.${name}`], truth[`2.${name}`], () => Number(scale.item()))
    t.true(most < 0.5001 && most > 0.4, `${name}: ${most}`)
  }
})

test('model_q4: with the float weights written into all products it gives the float model’s logits', async t => {
  const [truth, packed] = await Promise.all([load(`${folder}/model.onnx`), load(`${folder}/model_q4.onnx`)])
  const written = await matrices(truth)
  const { logits } = await truth.run(ids)
  t.false(near((await packed.run(ids)).logits, logits, 0.02))
  const got = await packed.trace(ids, m => {
    for (let i = 0; i < 4; i++)
      for (const name of Object.keys(PRODUCTS))
        productOf(m.model.layers[i], name).weights.weight = written[`${i}.${name}`]
    return m.lm_head.output
  })
  t.true(near(got, logits))
})

for (const file of ['model', 'model_int8'])
  test(`${file}: rows of a weight that are set to 0 give 0 in these features, and leave the others`, async t => {
    const model = await load(`${folder}/${file}.onnx`)
    const read = (change: (m: Model) => void) =>
      model.trace(ids, m => {
        change(m)
        return m.model.layers[1].mlp.up_proj.output
      })
    const whole = await read(() => {})
    const got = await read(m => m.model.layers[1].mlp.up_proj.weights.weight.set('10:20', 0))
    t.true((await got.slice('..., 10:20').abs().max().value()).item() === 0)
    t.true(near(await got.slice('..., 20:').value(), await whole.slice('..., 20:').value(), 1e-5))
    t.true(Number((await whole.slice('..., 10:20').abs().max().value()).item()) > 0.1)
  })

test('a saved edit holds a written matrix of 4 bits', async t => {
  const model = await load(`${folder}/model_q4.onnx`)
  const block = (m: Model) => {
    const { weights } = m.model.layers[1].mlp.down_proj
    weights.weight = weights.weight.mul(0.25)
  }
  const expected = await model.trace(ids, m => {
    block(m)
    return m.lm_head.output
  })
  const path = join(mkdtempSync(join(tmpdir(), 'onnsight-')), 'edited.onnx')
  await model.edit(block).save(path)
  const { logits } = await (await load(path)).run(ids)
  t.true(near(logits, expected, 1e-5))
  t.false(near(logits, (await model.run(ids)).logits, 1e-2))
})

test('a head that is tied to the embedding has its weight, and written there it changes both', async t => {
  const random = new Random(3)
  const proto = model(
    graph({
      nodes: [
        node('Gather', ['wte.weight', 'ids'], ['h'], { name: '/wte/Gather' }),
        node('Transpose', ['wte.weight'], ['turned'], { name: '/lm_head/Transpose', attributes: { perm: [1, 0] } }),
        node('MatMul', ['h', 'turned'], ['logits'], { name: '/lm_head/MatMul' }),
      ],
      inputs: [value('ids', OnnxType.INT64, ['tokens'])],
      outputs: ['logits'],
      initializers: [stored('wte.weight', [7, 4], random.floats(28))],
    }),
  )
  const tied = await load(saved(proto))
  const { head, own } = await tied.trace({ ids: [1, 2] }, m => ({
    head: m.lm_head.weights.weight,
    own: m.wte.weights.weight,
  }))
  t.deepEqual([...head.data], [...own.data])
  t.is(inspection(tied).parameters, 28)
  const half = await tied.trace({ ids: [1, 2] }, m => {
    m.lm_head.weights.weight = m.lm_head.weights.weight.mul(0.5)
    return { embedded: m.wte.output, logits: m.lm_head.output }
  })
  const whole = await tied.trace({ ids: [1, 2] }, m => ({ embedded: m.wte.output, logits: m.lm_head.output }))
  t.true(near(half.embedded, await whole.embedded.mul(0.5).value()))
  t.true(near(half.logits, await whole.logits.mul(0.25).value()))
})

test('weights in Constant nodes are parameters, and masks, limits and factors are none', async t => {
  const random = new Random(4)
  const constant = (name: string, dims: number[], data: Float32Array | BigInt64Array) =>
    plainNode('Constant', [], [name], { value: stored('', dims, data) }, `/${name}`)
  const proto = model(
    graph({
      nodes: [
        constant('w', [4, 3], random.floats(12)),
        constant('b', [3], random.floats(3)),
        constant('k', [2, 1, 3, 3], random.floats(18)),
        constant('factor', [], Float32Array.of(2)),
        constant('mask', [2, 3], random.floats(6)),
        constant('shape', [4], BigInt64Array.of(1n, 1n, 2n, 3n)),
        node('MatMul', ['x', 'w'], ['xw'], { name: '/fc/MatMul' }),
        node('Add', ['xw', 'b'], ['biased'], { name: '/fc/Add' }),
        node('Mul', ['biased', 'factor'], ['scaled'], { name: '/scale/Mul' }),
        node('Add', ['scaled', 'mask'], ['masked'], { name: '/mask/Add' }),
        node('Reshape', ['masked', 'shape'], ['image'], { name: '/conv/Reshape' }),
        node('Conv', ['image', 'k'], ['y'], { name: '/conv/Conv', attributes: { pads: [1, 1, 1, 1] } }),
      ],
      inputs: [value('x', OnnxType.FLOAT, [2, 4])],
      outputs: ['y'],
    }),
  )
  const m = await load(saved(proto))
  const { parameters, modules } = inspection(m)
  t.is(parameters, 12 + 3 + 18)
  t.deepEqual(modules.find(({ path }) => path === 'fc')?.weights, [
    { name: 'w', type: 'float32', dims: [4, 3] },
    { name: 'b', type: 'float32', dims: [3] },
  ])
  const x = {
    x: [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
  }
  const halved = await m.trace(x, model => {
    model.fc.weights.w = model.fc.weights.w.mul(0.5)
    return model.tensor('xw')
  })
  t.true(near(halved, await (await m.trace(x, model => model.tensor('xw'))).mul(0.5).value()))
})

test('weights that a branch reads from outside or has itself are counted, also where a node brings them into another form first', async t => {
  const random = new Random(5)
  const constant = (name: string, dims: number[], data: Float32Array | BigInt64Array) =>
    plainNode('Constant', [], [name], { value: stored('', dims, data) }, `/${name}`)
  const branch = (weight: string) =>
    graph({
      nodes: [
        node('Transpose', ['captured'], [`${weight}_turned`], { name: `/${weight}/Transpose` }),
        node('MatMul', ['x', `${weight}_turned`], [`${weight}_1`], { name: `/${weight}/MatMul` }),
        constant(weight, [4, 3], random.floats(12)),
        constant(`${weight}_mask`, [2, 3], random.floats(6)),
        node('Add', [`${weight}_1`, `${weight}_mask`], [`${weight}_2`], { name: `/${weight}/Add` }),
        node('MatMul', ['x', weight], [`${weight}_3`], { name: `/${weight}/MatMul_1` }),
        node('Add', [`${weight}_2`, `${weight}_3`], [`${weight}_out`], { name: `/${weight}/Add_1` }),
      ],
      outputs: [`${weight}_out`],
    })
  const proto = model(
    graph({
      nodes: [
        constant('captured', [3, 4], random.floats(12)),
        constant('sliced', [6, 3], random.floats(18)),
        constant('zero', [1], BigInt64Array.of(0n)),
        constant('four', [1], BigInt64Array.of(4n)),
        constant('limit', [], Float32Array.of(0.5)),
        node('Slice', ['sliced', 'zero', 'four', 'zero'], ['part'], { name: '/out/Slice' }),
        node('MatMul', ['x', 'part'], ['more'], { name: '/out/MatMul' }),
        node('ReduceMax', ['more'], ['most'], { name: '/most/ReduceMax', attributes: { keepdims: 0 } }),
        node('Greater', ['most', 'limit'], ['isLarge'], { name: '/most/Greater' }),
        plainNode('If', ['isLarge'], ['chosen'], { then_branch: branch('a'), else_branch: branch('b') }, '/fc/If'),
        node('Add', ['chosen', 'more'], ['y'], { name: '/out/Add' }),
      ],
      inputs: [value('x', OnnxType.FLOAT, [2, 4])],
      outputs: ['y'],
    }),
  )
  const { parameters, bytes, modules } = inspection(await load(saved(proto)))
  t.is(parameters, 12 + 18 + 2 * 12)
  t.is(bytes, 4 * parameters)
  t.is(modules.find(({ path }) => path === 'fc')?.parameters, 3 * 12)
})

test('the operator that a builder adds to a parameter’s path is no module of its own', async t => {
  const packed = await load('test/fixtures/exported/llama/genai-int4/model.onnx')
  const { direct, byOperator } = await packed.trace([[5, 6]], m => ({
    direct: m.model.layers[0].mlp.up_proj.weights.weight,
    byOperator: m.model.layers[0].mlp.up_proj.MatMul.weights.weight,
  }))
  t.deepEqual([...direct.dims], [128, 64])
  t.deepEqual([...byOperator.data], [...direct.data])
})

/** Files of the exporters with the numbers of parameters that PyTorch's models have. */
const exported: Record<string, number> = {
  'bert/classic+int8': 110912,
  'bert/classic+optimizer': 110912,
  'llama/genai-int4': 123328,
  'yolo/classic+qoperator': 20300,
}

for (const [file, count] of Object.entries(exported))
  test(`${file}: as many parameters as PyTorch’s model`, async t => {
    t.is(inspection(await load(`test/fixtures/exported/${file}/model.onnx`)).parameters, count)
  })

test('names that exporters and what merges decoders make up are those of the modules that read the matrix', async t => {
  const random = new Random(5)
  const proto = model(
    graph({
      nodes: [
        node('Gather', ['lm_head.weight', 'ids'], ['h'], { name: '/encoder/wte/Gather' }),
        node('Gather', ['shared.weight_merged_0', 'ids'], ['s'], { name: '/encoder/shared/Gather' }),
        node('Add', ['h', 's'], ['hs'], { name: '/encoder/Add' }),
        node('MatMul', ['hs', 'val_47'], ['q'], { name: '/encoder/query/MatMul' }),
        node('MatMul', ['q', 'onnx::MatMul_7_merged_0'], ['k'], { name: '/encoder/key/MatMul' }),
        node('MatMul', ['k', 'val_9'], ['logits'], { name: '/lm_head/MatMul' }),
      ],
      inputs: [value('ids', OnnxType.INT64, ['tokens'])],
      outputs: ['logits'],
      initializers: [
        stored('lm_head.weight', [7, 4], random.floats(28)),
        stored('shared.weight_merged_0', [7, 4], random.floats(28)),
        stored('val_47', [4, 3], random.floats(12)),
        stored('onnx::MatMul_7_merged_0', [3, 4], random.floats(12)),
        stored('val_9', [4, 7], random.floats(28)),
      ],
    }),
  )
  const named = await load(saved(proto))
  const dims = await named.trace({ ids: [1] }, m => {
    const { wte, shared, query, key } = m.encoder
    return [wte, shared, query, key].map(module => [...module.weights.weight.dims])
  })
  t.deepEqual(dims, [
    [7, 4],
    [7, 4],
    [3, 4],
    [4, 3],
  ])
})

test('what onnxruntime’s optimiser adds to a name is no module', async t => {
  const random = new Random(6)
  const proto = model(
    graph({
      nodes: [
        node('MatMul', ['x', 'w'], ['q'], { name: '/self/query/MatMul' }),
        node('MatMul', ['q', 'x'], ['y'], { name: '/self/MatMul/MatmulTransposeFusion//MatMulScaleFusion/' }),
      ],
      inputs: [value('x', OnnxType.FLOAT, [3, 3])],
      outputs: ['y'],
      initializers: [stored('w', [3, 3], random.floats(9))],
    }),
  )
  const fused = await load(saved(proto))
  t.false(/Fusion/.test(String(fused)), String(fused))
  const y = await fused.trace(
    {
      x: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
    m => m.child('self').ops.MatMul[0].output,
  )
  t.deepEqual([...y.dims], [3, 3])
})
