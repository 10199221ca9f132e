import { readFileSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { load, type Tensor, type TensorLike } from 'onnsight'
import * as ort from 'onnxruntime-node'
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  FunctionProtoSchema,
  type ModelProto,
  type NodeProto,
} from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, model, node, OnnxType, saved, value } from './hand-graph.ts'

interface Reference {
  readonly x: TensorLike
  readonly result: TensorLike
  readonly scopes: Readonly<Record<string, string>>
  readonly seen: Readonly<Record<string, TensorLike>>
  readonly doubled: Readonly<Record<string, TensorLike>>
}

const file = 'test/fixtures/functions/functions.onnx'
const reference: Reference = JSON.parse(readFileSync('test/fixtures/functions/functions.json', 'utf8'))

function near(got: Tensor, expected: TensorLike): boolean {
  const flat = [expected].flat(Number.POSITIVE_INFINITY as 1) as unknown as number[]
  const data = got.data as Float32Array
  return data.length === flat.length && flat.every((number, i) => Math.abs(number - data[i]) < 1e-5)
}

test('modules exported as functions: what PyTorch’s hooks see, whole and in blocks', async t => {
  for (const blocks of [1, 3]) {
    const opened = await load(file, { blocks })
    const [output] = opened.signature.outputs.map(({ name }) => name)
    t.true(near((await opened.run({ x: reference.x }))[output], reference.result))
    for (const [name, scope] of Object.entries(reference.scopes)) {
      const seen = await opened.trace({ x: reference.x }, m => m.module(scope).output)
      t.true(near(seen, reference.seen[name]), name)
    }
    for (const [name, expected] of Object.entries(reference.doubled)) {
      const edited = await opened.trace({ x: reference.x }, m => {
        const module = m.module(reference.scopes[name])
        module.output = module.output.mul(2)
        return m.tensor(output)
      })
      t.true(near(edited, expected), `${name} doubled`)
      t.false(near(edited, reference.result), `${name} doubled moves the result`)
    }
    await opened.release()
  }
})

const local = (opType: string, inputs: string[], outputs: string[], name: string, attributes = {}): NodeProto =>
  Object.assign(node(opType, inputs, outputs, attributes, name), { domain: 'local' })

function fn(
  name: string,
  parts: Partial<Pick<FunctionProto, 'input' | 'output' | 'attribute' | 'node' | 'attributeProto'>>,
  imports: readonly (readonly [domain: string, version: number])[] = [['', 17]],
): FunctionProto {
  return create(FunctionProtoSchema, {
    name,
    domain: 'local',
    opsetImport: [...imports, ['local', 1] as const].map(([domain, version]) => ({ domain, version: BigInt(version) })),
    ...parts,
  })
}

/** Makes an attribute of an inner node refer to one of the function's. */
function refers(inner: NodeProto, name: string, to: string, type: AttributeType): NodeProto {
  inner.attribute.push(create(AttributeProtoSchema, { name, refAttrName: to, type }))
  return inner
}

function withFunctions(nodes: NodeProto[], functions: FunctionProto[], outputs = ['out']): ModelProto {
  const proto = model(
    graph({
      inputs: [value('x', OnnxType.FLOAT, [2, 3])],
      initializers: [floats('w', [3], [1, -2, 3])],
      nodes,
      outputs: outputs.map(name => value(name, OnnxType.FLOAT, ['a', 'b'])),
    }),
  )
  proto.opsetImport.push({ ...proto.opsetImport[0], domain: 'local', version: 1n })
  proto.functions = functions
  return proto
}

const x = [
  [1, -2, 0.5],
  [0.25, 3, -1],
]

async function bare(path: string): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled' })
  const results = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x.flat()), [2, 3]) })
  await session.release()
  return results as Record<string, ort.Tensor>
}

const scale = fn('Scale', { input: ['a', 'b'], output: ['y'], node: [node('Mul', ['a', 'b'], ['y'], {}, 'times')] })
const twice = fn('Twice', {
  input: ['a', 'b'],
  output: ['y'],
  node: [local('Scale', ['a', 'b'], ['mid'], 'first'), local('Scale', ['mid', 'b'], ['y'], 'second')],
})
const summed = fn('Summed', {
  input: ['a'],
  output: ['y', 'again'],
  attribute: ['keep'],
  attributeProto: [create(AttributeProtoSchema, { name: 'axis', type: AttributeType.INT, i: 1n })],
  node: [
    refers(node('Softmax', ['a'], ['again'], {}, 'softmax'), 'axis', 'axis', AttributeType.INT),
    refers(node('ReduceMax', ['again'], ['most'], {}, 'most'), 'keepdims', 'keep', AttributeType.INT),
    node('Sub', ['again', 'most'], ['y'], {}, 'less'),
  ],
})
const branching = fn('Branching', {
  input: ['a', 'bias'],
  output: ['y'],
  node: [
    node('ReduceMean', ['a'], ['mean'], { keepdims: 0 }, 'mean'),
    node('Constant', [], ['zero'], { value: floats('', [], [0]) }, 'zero'),
    node('Greater', ['mean', 'zero'], ['positive'], {}, 'positive'),
    node(
      'If',
      ['positive'],
      ['y'],
      {
        then_branch: graph({ nodes: [node('Add', ['a', 'bias'], ['h']), node('Exp', ['h'], ['r'])], outputs: ['r'] }),
        else_branch: graph({
          nodes: [local('Scale', ['a', 'bias'], ['h'], 'inner'), node('Neg', ['h'], ['r'])],
          outputs: ['r'],
        }),
      },
      'choose',
    ),
  ],
})

const models: Record<string, ModelProto> = {
  'a function in a function, called twice': withFunctions(
    [local('Twice', ['x', 'w'], ['h'], 'one'), local('Twice', ['h', 'w'], ['out'], 'two')],
    [scale, twice],
  ),
  'calls without a name, and values that have the names they would get': withFunctions(
    [node('Neg', ['x'], ['h/mid']), local('Twice', ['h/mid', 'w'], ['h'], ''), local('Twice', ['h', 'w'], ['out'], '')],
    [scale, twice],
  ),
  'attributes: given, by default, left out; an output that nobody reads': withFunctions(
    [
      local('Summed', ['x'], ['p', 'q'], 'by_default'),
      local('Summed', ['x'], ['s', 'unread'], 'given', { axis: 0, keep: 0 }),
      local('Summed', ['x'], ['unread_too', 't'], 'second_only', { axis: 0 }),
      node('Add', ['p', 'q'], ['u']),
      node('Add', ['s', 't'], ['v']),
      node('Add', ['u', 'v'], ['out']),
    ],
    [summed],
  ),
  'bodies in a function, a call in a body, and names that come again': withFunctions(
    [local('Branching', ['x', 'w'], ['h'], 'one'), local('Branching', ['h', 'w'], ['out'], 'two')],
    [scale, branching],
  ),
  'an operator set that only the function imports': withFunctions(
    [local('Gelu', ['x'], ['out'], 'gelu')],
    [
      fn(
        'Gelu',
        {
          input: ['a'],
          output: ['y'],
          node: [Object.assign(node('Gelu', ['a'], ['y'], {}, 'inner'), { domain: 'com.microsoft' })],
        },
        [
          ['', 17],
          ['com.microsoft', 1],
        ],
      ),
    ],
  ),
  'another version of an operator set: the call stays': withFunctions(
    [
      node('Neg', ['x'], ['h'], {}, 'neg'),
      local('Old', ['h'], ['mid'], 'old'),
      node('Exp', ['mid'], ['out'], {}, 'exp'),
    ],
    [
      fn('Old', { input: ['a'], output: ['y'], node: [local('Scale', ['a', 'a'], ['y'], 'inner')] }, [['', 12]]),
      fn('Scale', { input: ['a', 'b'], output: ['y'], node: [node('Mul', ['a', 'b'], ['y'])] }, [['', 12]]),
    ],
  ),
}

for (const [name, proto] of Object.entries(models)) {
  test(name, async t => {
    const path = saved(proto)
    const expected = (await bare(path)).out
    for (const blocks of [1, 2, 3]) {
      const opened = await load(path, { blocks })
      const { out } = await opened.run({ x })
      t.deepEqual([...out.dims], [...expected.dims])
      t.true(near(out, Array.from(expected.data as Float32Array)), `${blocks} blocks`)
      // Every value that now belongs to the graph can be read, and reading does not change the result.
      for (const inner of await opened.trace({ x }, m => [...m.tensorNames])) {
        const read = await opened.trace({ x }, m => ({ seen: m.tensor(inner), out: m.tensor('out') }))
        t.truthy(read.seen.data, inner)
        t.true(near(read.out, Array.from(expected.data as Float32Array)), inner)
      }
      await opened.release()
    }
  })
}

test('inside a function: a read and a write are those of its nodes', async t => {
  const opened = await load(saved(models['a function in a function, called twice']))
  t.deepEqual(opened.nodeNames, ['one/first/times', 'one/second/times', 'two/first/times', 'two/second/times'])
  const w = [1, -2, 3]
  const power = (n: number) => x.map(row => row.map((v, i) => v * w[i] ** n))
  const { seen, out } = await opened.trace({ x }, m => {
    const inner = m.node('one/second/times')
    const seen = inner.input
    inner.output = inner.output.mul(0.5)
    return { seen, out: m.tensor('out') }
  })
  t.true(near(seen, power(1) as never))
  t.true(near(out, power(4).map(row => row.map(v => v / 2)) as never))
  await opened.release()
})

test('a call that stays is a node like any other', async t => {
  const opened = await load(saved(models['another version of an operator set: the call stays']))
  t.deepEqual(opened.nodeNames, ['neg', 'old', 'exp'])
  const { seen, out } = await opened.trace({ x }, m => {
    m.node('old').output = m.node('old').output.mul(0)
    return { seen: m.node('old').input, out: m.tensor('out') }
  })
  t.true(near(seen, x.map(row => row.map(v => -v)) as never))
  t.true(near(out, [1, 1, 1, 1, 1, 1]))
  await opened.release()
})

test('a function that calls itself is refused, and the circle is named', async t => {
  const loop = fn('Loop', { input: ['a'], output: ['y'], node: [local('Back', ['a'], ['y'], 'inner')] })
  const back = fn('Back', { input: ['a'], output: ['y'], node: [local('Loop', ['a'], ['y'], 'inner')] })
  await t.throwsAsync(load(saved(withFunctions([local('Loop', ['x'], ['out'], 'call')], [loop, back]))), {
    code: 'invalid-graph',
    message: /Loop calls Back calls Loop/,
  })
})
