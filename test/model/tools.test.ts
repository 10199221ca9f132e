import { inspect, isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { graph, model as handMade, node, OnnxType, saved, value } from './hand-graph.ts'

/* Consoles, matchers and frameworks read certain members of any object that they meet. */
const model = await load('test/fixtures/models/induction.onnx')
const layer = model.transformer.h[0]

test('printed, a model and its modules are their trees; inside of other objects they are a line', t => {
  t.is(inspect(model), String(model))
  t.is(inspect(layer), String(layer))
  t.regex(
    inspect({ model, layer }),
    /model: \[Model test\/fixtures\/models\/induction\.onnx\],\s+layer: \[Module transformer\.h\.0\]/,
  )
  t.regex(inspect(layer.attn.ops), /Softmax\[0\] {2}\/transformer\/h\.0\/attn\/Softmax/)
  t.regex(inspect(layer.outputs), /Add/)
})

test('what libraries ask of objects is answered, and nothing throws', t => {
  const names = [
    '$$typeof',
    'asymmetricMatch',
    'nodeType',
    'tagName',
    '@@__IMMUTABLE_ITERABLE__@@',
    '__v_isRef',
    '__v_isReactive',
    '_isMockFunction',
    '__esModule',
    'schema',
    '_toMime',
    '_toSvg',
    'then',
  ]
  for (const thing of [model, layer, layer.attn.ops, layer.outputs] as unknown as Record<string, unknown>[])
    for (const name of names) t.is(thing[name], undefined, name)
  t.is((model as unknown as Record<string, unknown>).__v_skip, true)
  t.is(typeof model.constructor, 'function')
  t.is(Object.prototype.toString.call(model), '[object Function]')
  t.deepEqual(JSON.parse(JSON.stringify({ model, layer })), {
    model: { module: '', model: 'test/fixtures/models/induction.onnx' },
    layer: { module: 'transformer.h.0', model: 'test/fixtures/models/induction.onnx' },
  })
  t.deepEqual(Object.keys(model), ['transformer', 'lm_head'])
  t.true(isDeepStrictEqual(model, model))
  t.deepEqual(model, model)
  t.throws(() => structuredClone(model), { any: true })
})

test('misspelt modules still throw', t => {
  for (const name of ['transfomer', 'lm_heads', 'h'])
    t.is((t.throws(() => (model as unknown as Record<string, unknown>)[name]) as OnnsightError).code, 'unknown-module')
})

test('a list of layers has what arrays have', t => {
  const { h } = model.transformer
  t.deepEqual(
    h.map(layer => layer.path),
    ['transformer.h.0', 'transformer.h.1'],
  )
  t.deepEqual(
    h.filter((_, i) => i > 0).map(layer => layer.path),
    ['transformer.h.1'],
  )
  t.is(
    h.find(layer => layer.path.endsWith('1')),
    h[1],
  )
  t.deepEqual(
    [...h.entries()].map(([i, layer]) => [i, layer.path]),
    [
      [0, 'transformer.h.0'],
      [1, 'transformer.h.1'],
    ],
  )
  const seen: string[] = []
  h.forEach(layer => void seen.push(layer.path))
  t.is(seen.length, h.length)
  t.is(h.indexOf(h[1]), 1)
  t.true(h.some(layer => layer === h[0]))
  t.throws(() => (model.transformer as unknown as Record<string, unknown>).map, { message: /has no module map/ })
})

/** Names of child modules in the models of timm, TransformerLens, transformers, torchvision, ultralytics and NeMo. */
const NAMES = [
  'blocks',
  'cache',
  'engine',
  'name',
  'node',
  'session',
  'tensor',
  'signature',
  'edits',
  'record',
  'release',
  'explain',
]
const MODULES = [
  'stem',
  'stages',
  'features',
  'layers',
  'encoder',
  'decoder',
  'embed',
  'head',
  'model',
  'backbone',
  'neck',
  'norm',
  'unembed',
]

test('no member of ours hides a module that common architectures have', async t => {
  const names = [...NAMES, ...MODULES]
  const nodes = names.map((name, i) =>
    node('Neg', [i === 0 ? 'x' : `v${i - 1}`], [i === names.length - 1 ? 'y' : `v${i}`], {}, `/${name}/Neg`),
  )
  const file = saved(
    handMade(graph({ inputs: [value('x', OnnxType.FLOAT, [2])], nodes, outputs: [value('y', OnnxType.FLOAT, [2])] })),
  )
  const own = (await load(file)) as unknown as Record<string, { path: string; output: Tensor }> & Model
  for (const name of names) {
    t.is(own[name].path, name)
    const read = await own.trace([1, 2], () => own[name].output)
    t.deepEqual(read.tolist(), names.indexOf(name) % 2 === 0 ? [-1, -2] : [1, 2])
  }
  t.true(model.engine.blocks.length > 0)
})
