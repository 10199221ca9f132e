import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor, template } from 'onnsight'
import { cache, skip, trace } from 'onnsight/trace.macro'
import { floats, graph, model as handMade, node, OnnxType, saved, value } from '../model/hand-graph.ts'

const inputs = { input_ids: [[18, 47, 56, 57]] }
const file = 'test/fixtures/models/chars.onnx'
let model!: Model
test.before(async () => {
  model = await load(file, {
    rename: { 'transformer.h': 'layers', mlp: ['feed_forward', 'ffn'], 'transformer.h[3]': 'last', lm_head: 'unembed' },
  })
})
test.after.always(async () => model?.release())

const numbers = (value: Tensor | undefined): number[] => Array.from((value as Tensor).data as Float32Array)

test('a module is found by its other names wherever it is found by its own', async t => {
  const own = model.transformer.h[1].mlp
  t.is(model.layers[1].ffn, own)
  t.is(model.layers[1].feed_forward, own)
  t.is(model.last, model.transformer.h[3])
  t.is(model.module('layers.1.ffn'), own)
  t.is(model.module('layers[-1]'), model.transformer.h[3])
  t.true('layers' in model)
  t.is(model.layers.length, 4)
  const [a, b, c] = await trace(model, inputs, () => {
    model.layers[1].ffn.output = 0
    return [model.transformer.h[1].mlp.output, model.layers[1].feed_forward.output, model.unembed.output]
  })
  t.true(numbers(a).every(value => value === 0))
  t.deepEqual(numbers(a), numbers(b))
  const { x } = await model.trace(
    inputs,
    template`
    layers[1].ffn.output = 0
    for layer in layers[:1]
      kept = layer.ffn.output
    save x = unembed.output`,
  )
  t.deepEqual(numbers(x), numbers(c))
})

test('caches, skips and scans know them', async t => {
  const acts = await trace(model, inputs, () => {
    skip(model.layers[2].ffn)
    return cache({ modules: ['layers', model.unembed, 'last.ffn'] })
  })
  t.deepEqual(numbers(acts.get('layers.0').output), numbers(acts.get('transformer.h.0').output))
  t.is(acts.get('last.feed_forward'), acts.get('transformer.h.3.mlp'))
  t.true(acts.has('last'))
})

test('where and the shapes of a scan know them', async t => {
  const paths = async (where: (path: string) => boolean) => (await trace(model, inputs, () => cache({ where }))).paths
  const own = await paths(path => /^transformer\.h\.\d\.mlp$/.test(path))
  t.is(own.length, 4)
  t.deepEqual(await paths(path => path.endsWith('.ffn')), own)
  t.deepEqual(await paths(path => /^layers\.\d\.feed_forward$/.test(path)), own)
  t.deepEqual(await paths(path => path === 'unembed'), ['lm_head'])
  const { modules } = await model.scan(inputs)
  t.is(modules['layers.1.ffn'], modules['transformer.h.1.mlp'])
  t.truthy(modules.unembed.output)
  t.is(modules['last.feed_forward'], modules['transformer.h.3.mlp'])
  t.false(Object.keys(modules).some(path => path.startsWith('layers')))
})

test('the tree is not doubled: iteration and printing show each module once', t => {
  t.deepEqual([...model.transformer.h].length, 4)
  t.deepEqual(Object.keys(model), ['transformer', 'lm_head'])
  const tree = String(model)
  t.regex(tree, /^ {4}h {2}· also model\.layers/m)
  t.regex(tree, /mlp {2}· also feed_forward, ffn/)
  t.is(tree.match(/lm_head/g)?.length, 1)
})

test('a misspelt name is near to the other names too', async t => {
  const error = t.throws(() => model.layrs) as OnnsightError
  t.regex(error.message, /did you mean layers/)
  const inner = t.throws(() => model.layers[0].fnn) as OnnsightError
  t.regex(inner.message, /did you mean.* ffn/)
})

for (const [rename, message] of [
  [{ mpl: 'x' }, /names mpl, but the model has no such module[\s\S]*did you mean .*mlp/],
  [{ mlp: 'attn' }, /gives mlp the name attn, but transformer\.h\.0\.attn has that name already/],
  [{ mlp: 'output' }, /the name output, which is not allowed/],
  [{ mlp: 'a.b' }, /the name a\.b, which is not allowed/],
  [{ 'transformer.h': 'lm_head' }, /but lm_head has that name already/],
] as const) {
  test(`refused when the model is loaded: ${JSON.stringify(rename)}`, async t => {
    const error = (await t.throwsAsync(load(file, { rename }))) as OnnsightError
    t.is(error.code, 'load-option')
    t.regex(error.message, message)
  })
}

test('children that are called like members are reached by child(), and a module is never a promise', async t => {
  const row = (name: string) => value(name, OnnxType.FLOAT, [3])
  const names = ['then', 'length', 'output', 'name', 'trace', 'at', 'constructor', '__proto__', 'toString']
  const odd = await load(
    saved(
      handMade(
        graph({
          inputs: [row('x0')],
          initializers: [floats('one', [], [1])],
          nodes: names.map((name, i) => node('Add', [`x${i}`, 'one'], [`x${i + 1}`], {}, `/${name}/inner/Add`)),
          outputs: [row(`x${names.length}`)],
        }),
      ),
    ),
  )
  t.is(await odd, odd)
  for (const [i, name] of names.entries()) {
    const module = odd.child(name)
    t.is(module.path, name)
    t.is(await module, module)
    const seen = await odd.trace([0, 0, 0], () => module.inner.output)
    t.deepEqual(numbers(seen), [i + 1, i + 1, i + 1], name)
    t.regex(String(odd), new RegExp(`child\\('${name}'\\)|^ {2}${name} `, 'm'))
  }
  await odd.release()
})
