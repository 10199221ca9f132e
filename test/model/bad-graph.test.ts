import test from 'ava'
import { load } from 'onnsight'
import type { ModelProto } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, type GraphParts, graph, ints, model, node, OnnxType, saved, value } from './hand-graph.ts'

const row = (name: string) => value(name, OnnxType.FLOAT, [3])
const base = { inputs: [row('x')], outputs: [row('y')] }
const file = (
  parts: Partial<GraphParts> & Pick<GraphParts, 'nodes'>,
  change: (proto: ModelProto) => unknown = () => {},
) => {
  const proto = model(graph({ ...base, ...parts }))
  change(proto)
  return saved(proto)
}
const named = (opType: string, input: string[], output: string[], attributes = {}) =>
  node(opType, input, output, attributes, `make_${output[0]}`)
const neg = [named('Neg', ['x'], ['y'])]

const refused: Record<string, [path: () => string, code: string, message: RegExp]> = {
  'a newer operator set': [
    () => file({ nodes: neg }, proto => Object.assign(proto.opsetImport[0], { version: 30n })),
    'unsupported-version',
    /opset 30, but onnxruntime supports only up to 26/,
  ],
  'a newer IR version': [
    () => file({ nodes: neg }, proto => Object.assign(proto, { irVersion: 20n })),
    'unsupported-version',
    /IR version 20/,
  ],
  'an unknown operation': [
    () => file({ nodes: [named('Fooo', ['x'], ['y'])] }),
    'unsupported-model',
    /make_y[\s\S]*No Op registered for Fooo/,
  ],
  'an operation of a foreign domain': [
    () =>
      file({ nodes: [Object.assign(named('Bar', ['x'], ['y']), { domain: 'my.dom' })] }, proto =>
        proto.opsetImport.push({ ...proto.opsetImport[0], domain: 'my.dom', version: 1n }),
      ),
    'unsupported-model',
    /my\.dom:Bar[\s\S]*the node make_y/,
  ],
  'a value made twice': [
    () => file({ nodes: [...neg, node('Abs', ['x'], ['y'], {}, 'again')] }),
    'invalid-graph',
    /Two nodes produce the value .*: make_y and again/,
  ],
  'a value that nobody makes': [() => file({ nodes: [named('Add', ['x', 'zz'], ['y'])] }), 'unsupported-model', /'zz'/],
  'a circle': [
    () => file({ nodes: [named('Add', ['x', 'b'], ['a']), named('Neg', ['a'], ['b']), named('Neg', ['b'], ['y'])] }),
    'invalid-graph',
    /in a circle through make_a, make_b/,
  ],
  'dims that can’t be added': [
    () => file({ nodes: [named('Add', ['x', 'w'], ['y'])], initializers: [floats('w', [4], [1, 2, 3, 4])] }),
    'unsupported-model',
    /make_y[\s\S]*Incompatible dimensions/,
  ],
}

for (const [name, [path, code, message]] of Object.entries(refused)) {
  test(`load refuses ${name}`, async t => {
    const error = await t.throwsAsync(load(path()), { code })
    t.regex(error!.message, message)
    t.regex(error!.message, /Do this: /)
  })
}

const odd: Record<string, [path: () => string, expected: Record<string, number[]>]> = {
  'no nodes: an output that is an input': [() => file({ nodes: [], outputs: [row('x')] }), { x: [1, 2, 3] }],
  'an input that is an output too': [
    () => file({ nodes: neg, outputs: [row('x'), row('y')] }),
    { x: [1, 2, 3], y: [-1, -2, -3] },
  ],
  'an output that is an initializer': [
    () => file({ nodes: neg, outputs: [row('y'), row('w')], initializers: [floats('w', [3], [4, 5, 6])] }),
    { y: [-1, -2, -3], w: [4, 5, 6] },
  ],
  'an initializer that is an input too need not be fed': [
    () =>
      file({
        nodes: [named('Add', ['x', 'w'], ['y'])],
        inputs: [row('x'), row('w')],
        initializers: [floats('w', [3], [4, 5, 6])],
      }),
    { y: [5, 7, 9] },
  ],
}

for (const [name, [path, expected]] of Object.entries(odd)) {
  test(`runs: ${name}`, async t => {
    const opened = await load(path())
    const results = await opened.run({ x: [1, 2, 3] })
    t.deepEqual(Object.fromEntries(Object.entries(results).map(([key, tensor]) => [key, tensor.tolist()])), expected)
    await opened.release()
  })
}

test('a sequence runs through, and reading it says what it is', async t => {
  const opened = await load(
    file({
      nodes: [named('SequenceConstruct', ['x', 'x'], ['s']), named('SequenceAt', ['s', 'one'], ['y'])],
      initializers: [ints('one', [], [1])],
    }),
  )
  t.deepEqual((await opened.run({ x: [1, 2, 3] })).y.tolist(), [1, 2, 3])
  await t.throwsAsync(
    opened.trace({ x: [1, 2, 3] }, m => m.tensor('s')),
    { code: 'run', message: /a sequence, a map or an optional/ },
  )
  await opened.release()
})
