import test from 'ava'
import { type GraphLimits, type InterventionGraph, load, type Model, OnnsightError, type Tensor } from 'onnsight'

const inputs = { input_ids: [[18, 47, 56, 57]] }
const MIB = 2 ** 20
const limits: GraphLimits = { nodes: 400, valueBytes: 16 * MIB, totalBytes: 64 * MIB, work: 1e9, timeMs: 20_000 }
let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(() => model?.release())

const wire = (graph: unknown): unknown => JSON.parse(JSON.stringify(graph))

const blocks: Readonly<Record<string, (m: Model) => unknown>> = {
  'a read and a write': m => {
    m.transformer.h[1].mlp.output = m.transformer.h[0].output.mul(0.5)
    return m.lm_head.output
  },
  'slices, a steering vector, the last row of the head': m => {
    m.transformer.h[2].output.set(':, -1', new Float32Array(128).fill(0.3))
    return [m.lm_head.output.slice(':, -1'), m.transformer.h[2].output]
  },
  'a module applied to fewer rows': m => m.lm_head(m.transformer.ln_f(m.transformer.h[0].output.slice(':, 1:3'))),
  'shapes, integers, reductions': m => {
    const h = m.transformer.h[0].output
    return [h.reshape([4, 128]).sum(0), h.topk(3, -1), h.softmax(-1).argmax(-1), h.nonzero(), h.mean()]
  },
  'einsum and a broadcast': m => {
    const h = m.transformer.h[0].output.squeeze(0)
    return [h.unsqueeze(1).sub(h.unsqueeze(0)), h.matmul(h.transpose(0, 1))]
  },
  'a gradient': m => {
    const h = m.transformer.h[1].output
    m.lm_head.output.sum().backward()
    return h.grad
  },
}

for (const [name, block] of Object.entries(blocks)) {
  test(`within its limits, ${name} gives what it gives without, to the bit`, async t => {
    const graph = wire(await model.record(inputs, block))
    t.is(JSON.stringify(await model.runGraph(graph, { limits })), JSON.stringify(await model.runGraph(graph)))
  })
}

const tooMuch: Readonly<Record<string, readonly [reason: RegExp, block: (m: Model) => unknown]>> = {
  'an expand': [/would have 1\.\d+ GB/, m => m.transformer.h[0].output.mean().expand([400, 1000, 1000]).sum()],
  'a broadcast': [
    /would have/,
    m => {
      const h = m.transformer.h[0].output.reshape([512, 1])
      return h
        .mul(h.reshape([1, 512]))
        .reshape([262144, 1])
        .mul(h.reshape([1, 512]))
        .sum()
    },
  ],
  'many values that are small alone': [
    /together/,
    m => Array.from({ length: 20 }, (_, i) => m.transformer.h[0].output.mean().add(i).expand([1000, 1000]).add(i)),
  ],
  'too many nodes': [
    /nodes/,
    m => {
      let h = m.transformer.h[0].output
      for (let i = 0; i < 450; i++) h = h.add(1)
      return h
    },
  ],
  'products that take long': [
    /multiplications/,
    m => {
      let h = m.transformer.h[0].output.mean().expand([1000, 1000])
      for (let i = 0; i < 5; i++) h = h.matmul(h)
      return h.sum()
    },
  ],
  'a module applied to many rows': [
    /would have/,
    m =>
      m
        .lm_head(m.transformer.ln_f(m.transformer.h[0].output.slice(':, :1').expand([1, 31000, 128])))
        .expand([3, 31000, 65])
        .sum(),
  ],
}

for (const [name, [reason, block]] of Object.entries(tooMuch)) {
  test(`with limits, ${name} is refused before anything runs`, async t => {
    const graph = wire(await model.record(inputs, block))
    const error = (await t.throwsAsync(model.runGraph(graph, { limits }))) as OnnsightError
    t.true(error instanceof OnnsightError)
    t.is(error.code, 'graph-limit')
    t.regex(error.message, reason)
  })
}

/** A graph with nodes added by hand, as no block records them. The first node is the mean of a layer. */
async function withNodes(add: (node: unknown[], at: number) => void): Promise<InterventionGraph> {
  const graph = wire(await model.record(inputs, m => m.transformer.h[0].output.mean())) as {
    nodes: unknown[]
    wanted: unknown[]
  }
  add(graph.nodes, graph.nodes.length)
  graph.wanted = [[graph.nodes.length - 1, 0]]
  return graph as unknown as InterventionGraph
}
const operation = (opType: string, inputs: unknown[], type: string, dims: unknown, attributes = {}) => ({
  kind: 'operation',
  opType,
  domain: '',
  inputs,
  attributes,
  results: [{ type, dims }],
})
const ints = (...values: number[]) => ({
  type: 'int64',
  dims: [values.length],
  data: Buffer.from(BigInt64Array.from(values, BigInt).buffer).toString('base64'),
})

const byHand: Readonly<Record<string, readonly [code: string, add: (nodes: unknown[], at: number) => void]>> = {
  'sizes that the model computes': [
    'graph-limit',
    (nodes, at) => {
      nodes.push(
        { kind: 'operand', data: ints(30000, 30000) },
        operation('Cast', [[at - 1, 0]], 'int64', [], { to: { int: 7 } }),
        operation(
          'Mul',
          [
            [at, 0],
            [at + 1, 0],
          ],
          'int64',
          [2],
        ),
        operation(
          'Expand',
          [
            [at - 1, 0],
            [at + 2, 0],
          ],
          'float32',
          null,
        ),
      )
    },
  ],
  'sizes in an operand, with dims that are stated wrongly': [
    'graph-limit',
    (nodes, at) => {
      nodes.push({ kind: 'operand', data: ints(30000, 30000) })
      nodes.push(
        operation(
          'Expand',
          [
            [at - 1, 0],
            [at, 0],
          ],
          'float32',
          [1],
        ),
      )
      nodes.push(operation('ReduceMax', [[at + 1, 0]], 'float32', []))
    },
  ],
  'sizes in a constant': [
    'graph-limit',
    (nodes, at) => {
      nodes.push({ kind: 'constant', data: ints(30000, 30000) })
      nodes.push(operation('ConstantOfShape', [[at, 0]], 'float32', [1]))
      nodes.push(operation('ReduceMax', [[at + 1, 0]], 'float32', []))
    },
  ],
  'a huge random value': [
    'graph-limit',
    nodes => {
      nodes.push(operation('RandomNormal', [], 'float32', [2], { shape: { ints: [40000, 40000] } }))
    },
  ],
  'a range of any length': [
    'graph-limit',
    (nodes, at) => {
      nodes.push(
        { kind: 'operand', data: { ...ints(0), dims: [] } },
        { kind: 'operand', data: { ...ints(1e9), dims: [] } },
      )
      nodes.push({ kind: 'operand', data: { ...ints(1), dims: [] } })
      nodes.push(
        operation(
          'Range',
          [
            [at, 0],
            [at + 1, 0],
            [at + 2, 0],
          ],
          'int64',
          [3],
        ),
      )
    },
  ],
  'a dtype that is stated wrongly': [
    'invalid-intervention-graph',
    (nodes, at) => {
      nodes.push(
        operation('Cast', [[at - 1, 0]], 'float32', [], { to: { int: 7 } }),
        operation('Neg', [[at, 0]], 'float32', []),
      )
    },
  ],
  'an operation without its inputs': [
    'invalid-intervention-graph',
    nodes => {
      nodes.push(operation('Add', [], 'float32', []))
    },
  ],
  'an attribute from the prototype': [
    'invalid-intervention-graph',
    (nodes, at) => {
      nodes.push(operation('Cast', [[at - 1, 0]], 'float32', [], JSON.parse('{ "__proto__": { "int": 7 } }')))
    },
  ],
}
for (const [name, [code, add]] of Object.entries(byHand)) {
  test(`with limits, ${name}: refused`, async t => {
    const error = (await t.throwsAsync(model.runGraph(wire(await withNodes(add)), { limits }))) as OnnsightError
    t.is(error.code, code, error.message)
  })
}

test('a write may neither change the dims of the model’s values nor decide them', async t => {
  const graph = wire(
    await model.record(inputs, m => {
      m.transformer.h[1].output = m.transformer.h[0].output.mul(2)
      return m.lm_head.output
    }),
  ) as InterventionGraph & { nodes: Record<string, unknown>[] }
  const at = graph.nodes.length
  graph.nodes.push({ kind: 'operand', data: ints(1, 4000, 128) })
  graph.nodes.push(
    operation(
      'Expand',
      [
        [0, 0],
        [at, 0],
      ],
      'float32',
      [1, 4000, 128],
    ),
  )
  const first = graph.nodes[0]
  t.is(first.kind, 'read')
  const row = {
    kind: 'operand',
    data: { type: 'float32', dims: [1, 1, 128], data: Buffer.alloc(512).toString('base64') },
  }
  graph.nodes.push(
    row,
    operation(
      'Expand',
      [
        [at + 2, 0],
        [at, 0],
      ],
      'float32',
      [1, 4000, 128],
    ),
  )
  ;(graph.writes[0] as unknown as { values: unknown[] }).values[0] = { value: [at + 3, 0] }
  const changed = (await t.throwsAsync(model.runGraph(wire(graph), { limits }))) as OnnsightError
  t.is(changed.code, 'graph-limit')
  t.regex(changed.message, /1, 4000, 128.*is written at transformer\.h\.1\.output/)
})

test('a value that is returned many times counts each time', async t => {
  const graph = wire(await model.record(inputs, m => m.transformer.h[0].output.mean().expand([1000, 1000])))
  const { wanted } = graph as { wanted: unknown[] }
  await t.notThrowsAsync(model.runGraph(wire(graph), { limits }))
  for (let i = 0; i < 20; i++) wanted.push(wanted[0])
  t.is(((await t.throwsAsync(model.runGraph(graph, { limits }))) as OnnsightError).code, 'graph-limit')
})

test('inputs that make the model’s own values too large are refused', async t => {
  const ids = Array.from({ length: 64 }, () => new Array(64).fill(1))
  const graph = wire(await model.record({ input_ids: ids }, m => m.lm_head.output.sum()))
  const { code } = (await t.throwsAsync(model.runGraph(graph, { limits: { valueBytes: MIB } }))) as OnnsightError
  t.is(code, 'graph-limit')
})

test('the time is held between blocks', async t => {
  const graph = wire(await model.record(inputs, blocks['a read and a write']))
  const { code } = (await t.throwsAsync(model.runGraph(graph, { limits: { timeMs: 0 } }))) as OnnsightError
  t.is(code, 'graph-time')
})

test('JSON that is nested deep, or names what every object has, is refused by an error of ours', async t => {
  const graph = JSON.stringify(await model.record(inputs, m => m.transformer.h[0].output.mean()))
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)
  const texts = ['__proto__', 'constructor', 'toString', 'length', 'map']
  for (const key of ['version', 'inputs', 'nodes', 'writes', 'wanted', 'result'])
    for (const value of [deep, { a: deep }, [deep], ...texts, ...texts.map(text => ({ $tensor: text }))]) {
      const changed = { ...JSON.parse(graph), [key]: value }
      const error = await model.runGraph(changed, { limits }).then(
        result => result as Tensor,
        (error: unknown) => error as OnnsightError,
      )
      if (key === 'result' && typeof value === 'string') continue
      t.true(error instanceof OnnsightError, `${key}: ${String(error)}`)
    }
})
