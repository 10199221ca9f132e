import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { load, type Model, OnnsightError, randn, type SaveOptions } from 'onnsight'
import { stateOf } from '#dist/runtime/tensor/tensor.js'
import { floats, graph, model as handModel, ints, node, OnnxType, saved, value } from '../model/hand-graph.ts'
import { realFiles } from '../onnx/real-files.ts'
import { decode, namesIn, temporaryFolder } from '../onnx/written.ts'
import { bare, distance, feedsOf, isSameAs, type Lengths, through } from './compared.ts'

async function loaded(t: ExecutionContext, path: string): Promise<Model> {
  const model = await load(path)
  t.teardown(() => model.release())
  return model
}

const real = (name: string): string => realFiles.find(path => basename(path) === name)!

interface Case {
  readonly path: string
  readonly edit: (m: Model) => void
  readonly lengths: readonly Lengths[]
  readonly options?: SaveOptions
  readonly tolerance?: number
}

const tokens: readonly Lengths[] = [
  { batch: 1, sequence: 5 },
  { batch: 2, sequence: 3 },
]
const steered = (m: Model): void => {
  m.transformer.h[1].output = m.transformer.h[1].output.add(randn([128], { seed: 1 }))
  m.transformer.h[2].mlp.output = 0
}
const cases: Readonly<Record<string, Case>> = {
  'names in metadata': { path: 'test/fixtures/models/chars-scopes.onnx', edit: steered, lengths: tokens },
  'weights beside it': { path: 'test/fixtures/models/chars-external.onnx', edit: steered, lengths: tokens },
  'weights beside it, taken inside': {
    path: 'test/fixtures/models/chars-external.onnx',
    edit: steered,
    lengths: tokens,
    options: { weights: 'embedded' },
  },
  float16: {
    path: 'test/fixtures/models/chars-fp16.onnx',
    edit: m => {
      m.transformer.h[1].output = m.transformer.h[1].output.add(randn([128], { seed: 1, type: 'float16' }))
      m.transformer.h[2].mlp.output.set('..., :64' as never, 0)
    },
    lengths: tokens,
    tolerance: 2e-3,
  },
  'a decoder with a cache': {
    path: 'test/fixtures/models/chars-cache.onnx',
    edit: m => {
      m.transformer.h[1].attn.output.set([{}, -1], 0)
      m.transformer.h[2].mlp.output = 0
    },
    lengths: [
      { batch: 1, sequence: 5, past_sequence: 3, total_sequence: 8 },
      { batch: 2, sequence: 1, past_sequence: 6, total_sequence: 7 },
      { batch: 2, sequence: 4, past_sequence: 0, total_sequence: 4 },
    ],
  },
  'encoder of text with a mask': {
    path: 'test/fixtures/batch/bert.onnx',
    edit: m => {
      const [name] = m.nodeNames.filter(each => /Softmax/.test(each))
      m.node(name).output = m.node(name).output.mul(0.5)
    },
    lengths: tokens,
    tolerance: 1e-6,
  },
  'images, of opset 9': {
    path: real('ch_PP-OCRv4_rec_infer.onnx'),
    edit: m => {
      m.node('p2o.Mul.140').output = m.node('p2o.Mul.140').output.mul(0.5)
    },
    lengths: [
      { 'p2o.DynamicDimension.0': 1, 'p2o.DynamicDimension.1': 64 },
      { 'p2o.DynamicDimension.0': 2, 'p2o.DynamicDimension.1': 96 },
    ],
    tolerance: 1e-5,
  },
  'sound, to a spectrogram': {
    path: real('melspectrogram.onnx'),
    edit: m => {
      const conv = m.nodeNames.find(each => /Conv/.test(each))!
      m.node(conv).output = m.node(conv).output.mul(0.5)
    },
    lengths: [
      { batch_size: 1, samples: 1280 },
      { batch_size: 1, samples: 2560 },
    ],
    tolerance: 1e-5,
  },
}

for (const [name, { path: source, edit, lengths, options, tolerance = 0 }] of Object.entries(cases)) {
  test(`saved with its edits: ${name}`, async t => {
    const folder = await temporaryFolder(t)
    const path = join(folder, 'edited.onnx')
    const original = await loaded(t, source)
    const edited = original.edit(edit)
    await edited.save(path, options)
    await isSameAs(t, { edited, original, path, lengths, tolerance })
    t.deepEqual((await loaded(t, path)).signature, original.signature)
    const files = (await namesIn(folder)).length
    t.is(files, /external/.test(source) && options?.weights !== 'embedded' ? 2 : 1)
  })
}

test('a quantised model: int8 weights stay so, and the edit is in floats', async t => {
  const bytes = (name: string, dims: readonly number[], values: readonly number[]) => ({
    ...ints(name, dims, []),
    dataType: OnnxType.INT8,
    int32Data: [...values],
    int64Data: [],
  })
  const weight = bytes('w', [4, 4], [1, -2, 3, 4, 5, -6, 7, 8, -9, 10, 11, 12, 13, 14, -15, 16])
  const path = saved(
    handModel(
      graph({
        inputs: [value('x', OnnxType.FLOAT, ['rows', 4])],
        initializers: [weight, floats('scale', [], [0.1]), bytes('zero', [], [0])],
        nodes: [
          node('QuantizeLinear', ['x', 'scale', 'zero'], ['q'], {}, '/quantise'),
          node('DequantizeLinear', ['q', 'scale', 'zero'], ['d'], {}, '/in/Dequantise'),
          node('DequantizeLinear', ['w', 'scale', 'zero'], ['dw'], {}, '/fc/Dequantise'),
          node('MatMul', ['d', 'dw'], ['h'], {}, '/fc/MatMul'),
          node('Relu', ['h'], ['y'], {}, '/act/Relu'),
        ],
        outputs: [value('y', OnnxType.FLOAT, ['rows', 4])],
      }),
    ),
  )
  const original = await loaded(t, path)
  const target = join(await temporaryFolder(t), 'edited.onnx')
  const edited = original.edit(m => {
    m.fc.output.set([{}, 1], 0.5)
    m.fc.output = m.fc.output.mul(2)
  })
  await edited.save(target)
  await isSameAs(t, { edited, original, path: target, lengths: [{ rows: 1 }, { rows: 6 }], tolerance: 1e-6 })
  const kept = (await decode(target)).graph!.initializer.find(({ name }) => name === 'w')!
  t.deepEqual([kept.dataType, kept.int32Data], [weight.dataType, weight.int32Data])
})

test('functions stay calls where no edit reaches inside', async t => {
  const source = 'test/fixtures/functions/functions.onnx'
  const original = await loaded(t, source)
  const before = await decode(source)
  const calls = new Set(before.functions.map(({ name }) => name))
  const callsIn = async (path: string): Promise<number> =>
    (await decode(path)).graph!.node.filter(({ opType }) => calls.has(opType)).length
  const folder = await temporaryFolder(t)
  const [outside, inside] = ['outside.onnx', 'inside.onnx'].map(name => join(folder, name))
  const found = original.edit(m => {
    const output = before.graph!.output[0].name
    const inner = m.nodeNames
      .filter(name => name.includes('/') && !stateOf(m.node(name).output).label.includes(output))
      .at(3)!
    m.node(inner).output = m.node(inner).output.mul(0.5)
  })
  await found.save(inside)
  await isSameAs(t, { edited: found, original, path: inside, lengths: [{ length: 3 }, { length: 6 }], tolerance: 1e-6 })
  const input = original.edit(m => {
    m.tensor(before.graph!.input[0].name).set('...' as never, 0.25)
  })
  await input.save(outside)
  await isSameAs(t, { edited: input, original, path: outside, lengths: [{ length: 3 }], tolerance: 1e-6 })
  t.is(await callsIn(outside), await callsIn(source))
  t.is(await callsIn(inside), (await callsIn(source)) - 1)
  t.deepEqual((await decode(inside)).functions, before.functions)
})

test('branches that inputs choose: an edit around them is saved, one that reaches inside is refused', async t => {
  const branch = (op: string, out: string) =>
    graph({
      nodes: [
        node('Neg', ['h'], [`${out}_mid`], {}, `/body/${op}/Neg`),
        node(op, [`${out}_mid`], [out], {}, `/body/${op}`),
      ],
      outputs: [out],
    })
  const path = saved(
    handModel(
      graph({
        inputs: [value('x', OnnxType.FLOAT, ['rows', 3]), value('flag', OnnxType.BOOL, [])],
        initializers: [floats('two', [], [2])],
        nodes: [
          node('Mul', ['x', 'two'], ['h'], {}, '/first/Mul'),
          node(
            'If',
            ['flag'],
            ['z'],
            { then_branch: branch('Exp', 'p'), else_branch: branch('Sigmoid', 'q') },
            '/body/If',
          ),
          node('Add', ['z', 'x'], ['y'], {}, '/last/Add'),
        ],
        outputs: [value('y', OnnxType.FLOAT, ['rows', 3])],
      }),
    ),
  )
  const original = await loaded(t, path)
  const folder = await temporaryFolder(t)
  const target = join(folder, 'edited.onnx')
  const edited = original.edit(m => {
    m.first.output = m.first.output.mul(0.5)
    m.last.output.set([0], 3)
  })
  await edited.save(target)
  const lengths = [0, 1].flatMap(flag => [1, 4].map(rows => ({ rows, flag })))
  await isSameAs(t, { edited, original, path: target, lengths, tolerance: 1e-6 })
  const within = original.edit(m => {
    m.node('/body/Exp').output = 0
  })
  const error = (await t.throwsAsync(within.save(join(folder, 'no.onnx')), {
    instanceOf: OnnsightError,
  })) as OnnsightError
  t.is(error.code, 'unsavable-edit')
  t.regex(error.message, /a branch of the model that inputs choose/)
  t.regex(error.at?.file ?? '', /models\.test\.ts$/)
  t.deepEqual(await namesIn(folder), ['edited.onnx'])
})

test('what is external, and what is not: weights, and tensors of the edit', async t => {
  const folder = await temporaryFolder(t)
  const original = await loaded(t, 'test/fixtures/models/chars.onnx')
  const edited = original.edit(m => {
    m.transformer.h[1].output = m.transformer.h[1].output.matmul(randn([128, 128], { seed: 2 }))
    m.transformer.h[3].mlp.output = 0
  })
  for (const weights of ['as-read', 'external', 'embedded'] as const) {
    const path = join(folder, `${weights}.onnx`)
    await edited.save(path, { weights })
    await isSameAs(t, { edited, original, path, lengths: tokens })
    const { graph: written } = await decode(path)
    const large = written!.initializer.find(({ name }) => /onnsight/.test(name))!
    t.deepEqual([...large.dims], [128n, 128n])
    t.is(large.dataLocation, weights === 'external' ? 1 : 0)
    t.false(
      written!.initializer.some(({ name }) => /h\.3\.mlp/.test(name)),
      'weights that nobody reads are gone',
    )
  }
  t.true((await stat(join(folder, 'external.onnx'))).size < 400_000)
})

test('all else of the file stays, and the loaded model is as it was', async t => {
  const source = 'test/fixtures/models/chars-scopes.onnx'
  const original = await loaded(t, source)
  const hash = async (): Promise<string> =>
    createHash('sha1')
      .update(await readFile(source))
      .digest('hex')
  const path = join(await temporaryFolder(t), 'edited.onnx')
  const feeds = feedsOf(original, { batch: 1, sequence: 4 })
  const [bytes, plain] = [await hash(), await through(original, feeds)]
  await original
    .edit(m => {
      m.transformer.h[1].output = m.transformer.h[1].output.mul(0.5)
    })
    .save(path)
  t.is(await hash(), bytes)
  t.is(distance(t, plain, await through(original, feeds)), 0)
  t.true(distance(t, plain, await bare(path, feeds)) > 0)
  const [before, after] = [await decode(source), await decode(path)]
  const own = after.graph!.node.filter(({ name }) => !/onnsight/.test(name))
  t.is(own.length, after.graph!.node.length - 1)
  t.deepEqual(
    own.map(({ name, metadataProps }) => [name, metadataProps]),
    before.graph!.node.map(({ name, metadataProps }) => [name, metadataProps]),
  )
  const rest = ({ graph: inner, ...others }: typeof before) => ({
    ...others,
    outputs: inner!.output,
    inputs: inner!.input,
  })
  t.deepEqual(rest(after), rest(before))
})
