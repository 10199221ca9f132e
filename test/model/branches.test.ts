import { readFileSync } from 'node:fs'
import { fromBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { load, type Model, type Tensor, zeros } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { type ModelProto, ModelProtoSchema, type NodeProto } from '#dist/runtime/onnx/schema/onnx_pb.js'
import { floats, graph, ints, model, node, OnnxType, saved, value } from './hand-graph.ts'

const flag = (name: string) => value(name, OnnxType.BOOL, [])
const row = (name: string) => value(name, OnnxType.FLOAT, [3])

/** The outputs of the unedited file, computed by onnxruntime alone. */
async function bare(path: string, feeds: Record<string, ort.Tensor>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
  const results = await session.run(feeds)
  await session.release()
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]))
}

const bool = (on: boolean) => new ort.Tensor('bool', Uint8Array.of(on ? 1 : 0), [])
const xs = [1, -2, 3]
const x = () => new ort.Tensor('float32', Float32Array.from(xs), [3])

/** Two Ifs whose branches use the same inner names, as those of merged decoders do. One branch returns its constant unchanged. */
function twoIfs(): ModelProto {
  const scaled = (by: string, out: string) =>
    graph({
      nodes: [
        node('Mul', ['h', by], ['inner'], {}, '/layer/Mul'),
        node('Neg', ['inner'], ['mid'], {}, '/layer/Neg'),
        node('Abs', ['mid'], [out], {}, '/layer/Abs'),
      ],
      initializers: [floats(`shift_${by}`, [], [by === 'two' ? 20 : 30])],
      outputs: [out, 'inner', `shift_${by}`],
    })
  const second = (op: string) =>
    graph({
      nodes: [node('Neg', ['y'], ['mid'], {}, '/second/Neg'), node(op, ['mid'], ['inner'], {}, `/second/${op}`)],
      outputs: ['inner'],
    })
  return model(
    graph({
      inputs: [row('x'), flag('a'), flag('b')],
      initializers: [floats('two', [], [2]), floats('ten', [], [10])],
      nodes: [
        node('Tanh', ['x'], ['h'], {}, '/first/Tanh'),
        node('Not', ['a'], ['not_a'], {}, 'not'),
        node(
          'If',
          ['not_a'],
          ['y', 'scaled', 'shift'],
          { then_branch: scaled('two', 'p'), else_branch: scaled('ten', 'q') },
          'first_if',
        ),
        node('If', ['b'], ['z'], { then_branch: second('Exp'), else_branch: second('Sigmoid') }, 'second_if'),
        node('Add', ['z', 'scaled'], ['sum'], {}, 'sum'),
        node('Add', ['sum', 'shift'], ['out'], {}, 'add'),
      ],
      outputs: [row('out')],
    }),
  )
}

test('branches that inputs decide: every combination gives what onnxruntime gives, and what is inside can be read and written', async t => {
  const path = saved(twoIfs())
  const opened = await load(path)
  const layer = opened.layer
  for (const a of [true, false]) {
    for (const b of [true, false]) {
      const inputs = { x: xs, a, b }
      const expected = (await bare(path, { x: x(), a: bool(a), b: bool(b) })).out
      t.deepEqual((await opened.run(inputs)).out.tolist(), expected)

      const inner = xs.map(v => Math.fround(Math.tanh(v)) * (a ? 10 : 2))
      const seen = await opened.trace(inputs, m => ({
        inner: m.layer.ops.Mul[0].output,
        out: m.tensor('out'),
        kept: layer.ops.Neg[0].input,
        second: m.node(b ? '/second/Exp' : '/second/Sigmoid').output,
      }))
      ;(seen.inner.tolist() as number[]).forEach((v, i) => {
        t.true(Math.abs(v - inner[i]) < 1e-5)
      })
      t.deepEqual(seen.kept.tolist(), seen.inner.tolist())
      t.deepEqual(seen.out.tolist(), expected)
      const edited = await opened.trace(inputs, m => {
        m.layer.ops.Mul[0].output = m.layer.ops.Mul[0].output.mul(0)
        return { y: m.tensor('y'), out: m.tensor('out') }
      })
      t.true((edited.y.tolist() as number[]).every(v => v === 0))
      t.notDeepEqual(edited.out.tolist(), expected)
    }
  }
  await opened.release()
})

test('a value that only the other branch has: the error names the branches that run', async t => {
  const opened = await load(saved(twoIfs()))
  const exp = await opened.trace({ x: xs, a: true, b: true }, m => m.node('/second/Exp'))
  const error = await t.throwsAsync(
    opened.trace({ x: xs, a: true, b: false }, () => exp.output),
    { code: 'other-branch' },
  )
  t.regex(error!.message, /second_if: else, chosen by b/)
  await opened.release()
})

test('what decided the branch can’t be written: the branch was chosen before', async t => {
  const opened = await load(saved(twoIfs()))
  const inputs = { x: xs, a: true, b: true }
  await t.throwsAsync(
    opened.trace(inputs, m => {
      m.inputs.a = false as never
    }),
    { code: 'decided' },
  )
  await t.throwsAsync(
    opened.trace(inputs, m => {
      m.node('not').output = true as never
    }),
    { code: 'decided' },
  )
  await opened.release()
})

test('the tree says which branches it shows', async t => {
  const opened = await load(saved(twoIfs()))
  t.regex(String(opened), /branch first_if: then, chosen by a\n {2}branch second_if: then, chosen by b/)
  await opened.trace({ x: xs, a: true, b: false }, m => {
    t.regex(String(m), /branch first_if: else, chosen by a\n {2}branch second_if: else, chosen by b/)
  })
  await opened.release()
})

test('traces of different branches run at the same time', async t => {
  const path = saved(twoIfs())
  const opened = await load(path)
  const combinations = [0, 1, 2, 3, 0, 1, 2, 3].map(i => ({ a: i > 1, b: i % 2 === 1 }))
  const results = await Promise.all(combinations.map(({ a, b }) => opened.run({ x: xs, a, b })))
  for (const [i, { a, b }] of combinations.entries())
    t.deepEqual(results[i].out.tolist(), (await bare(path, { x: x(), a: bool(a), b: bool(b) })).out)
  await opened.release()
})

/** An If inside an If. The inner condition is computed from dims, the outer one from a constant. The bodies have their own weights. */
function nestedIfs(): ModelProto {
  const innermost = graph({
    nodes: [node('Mul', ['h', 'w'], ['inner'], {}, '/deep/Mul')],
    initializers: [floats('w', [], [7])],
    outputs: ['inner'],
  })
  const shallow = graph({
    nodes: [node('Add', ['h', 'w'], ['inner'], {}, '/flat/Add')],
    initializers: [floats('w', [], [100])],
    outputs: ['inner'],
  })
  const outer = graph({
    nodes: [
      node('Exp', ['x'], ['h'], {}, '/deep/Exp'),
      node('Shape', ['h'], ['dims'], {}, 'shape'),
      node('Gather', ['dims', 'first'], ['length'], {}, 'length'),
      node('Greater', ['length', 'limit'], ['long'], {}, 'long'),
      node('If', ['long'], ['r'], { then_branch: innermost, else_branch: shallow }, 'inner_if'),
    ],
    initializers: [ints('first', [], [0]), ints('limit', [], [2])],
    outputs: ['r'],
  })
  const other = graph({ nodes: [node('Neg', ['x'], ['r'], {}, '/other/Neg')], outputs: ['r'] })
  return model(
    graph({
      inputs: [value('x', OnnxType.FLOAT, ['n'])],
      initializers: [ints('one', [], [1])],
      nodes: [
        node('Cast', ['one'], ['always'], { to: OnnxType.BOOL }, 'always'),
        node('If', ['always'], ['out'], { then_branch: outer, else_branch: other }, 'outer_if'),
      ],
      outputs: [value('out', OnnxType.FLOAT, ['n'])],
    }),
  )
}

test('nested branches, decided by a constant and by dims', async t => {
  const path = saved(nestedIfs())
  const opened = await load(path)
  for (const list of [[1, 2], [1, 2, 3], [4], [0.5, 0.25, 0, -1]]) {
    const feeds = { x: new ort.Tensor('float32', Float32Array.from(list), [list.length]) }
    const expected = (await bare(path, feeds)).out
    t.deepEqual((await opened.run(list)).out.tolist(), expected)
    const names = await opened.trace(list, m => [...m.nodeNames])
    t.is(names.includes('/deep/Mul'), list.length > 2)
    t.is(names.includes('/flat/Add'), list.length <= 2)
    t.false(names.includes('/other/Neg'))
    const moved = await opened.trace(list, m => {
      const last = m.node(list.length > 2 ? '/deep/Mul' : '/flat/Add')
      last.output = last.output.add(1)
      return m.tensor('out')
    })
    t.deepEqual(
      moved.tolist(),
      expected.map(v => Math.fround(v + 1)),
    )
  }
  await opened.release()
})

/** An If whose condition the model itself computes, so that it is not known before the run. */
function lateIf(): ModelProto {
  const branch = (op: string) => graph({ nodes: [node(op, ['x'], ['r'], {}, op)], outputs: ['r'] })
  return model(
    graph({
      inputs: [value('x', OnnxType.FLOAT, [1, 3])],
      initializers: [floats('w', [3, 1], [1, 1, 1]), floats('zero', [], [0]), ints('flat', [1], [1])],
      nodes: [
        node('MatMul', ['x', 'w'], ['score'], {}, 'score'),
        node('Reshape', ['score', 'flat'], ['one'], {}, 'one'),
        node('Greater', ['one', 'zero'], ['positive'], {}, 'positive'),
        node('If', ['positive'], ['out'], { then_branch: branch('Exp'), else_branch: branch('Neg') }, 'late_if'),
      ],
      outputs: [value('out', OnnxType.FLOAT, [1, 3])],
    }),
  )
}

test('a condition that the model computes is left to the run, and follows what a trace writes', async t => {
  const path = saved(lateIf())
  const opened = await load(path)
  for (const list of [
    [1, 2, 3],
    [-1, -2, -3],
  ]) {
    const feeds = { x: new ort.Tensor('float32', Float32Array.from(list), [1, 3]) }
    t.deepEqual((await opened.run([list])).out.tolist(), [(await bare(path, feeds)).out])
    const turned = await opened.trace([list], m => {
      m.node('score').output = m.node('score').output.mul(-1)
      return m.tensor('out')
    })
    const [row] = turned.tolist() as number[][]
    row.forEach((got, i) => {
      t.true(Math.abs(got - (list[0] < 0 ? Math.exp(list[i]) : -list[i])) < 1e-6)
    })
  }
  await opened.release()
})

const cacheFile = 'test/fixtures/models/chars-cache.onnx'

/** A merged decoder as optimum makes it: one body without past keys and values, and one with them, with the same names. Weights are outside. */
function mergedDecoder(): ModelProto {
  const proto = fromBinary(ModelProtoSchema, readFileSync(cacheFile))
  const main = proto.graph!
  const past = main.input.filter(({ name }) => name.startsWith('past')).map(({ name }) => name)
  const outputs = main.output.map(({ name }) => name)
  const body = (nodes: readonly NodeProto[], empty: readonly string[]) =>
    graph({
      nodes: nodes as NodeProto[],
      outputs: outputs.map(name => `${name}_inner`),
      initializers: empty.map(name => floats(name, [1, 4, 0, 32], [])),
    })
  const renamed = (suffix: string): NodeProto[] =>
    main.node.map(inner => {
      const out = (name: string): string => (outputs.includes(name) ? `${name}_inner` : name)
      const into = (name: string): string => (past.includes(name) ? `${name}${suffix}` : out(name))
      return Object.assign(Object.create(Object.getPrototypeOf(inner)) as NodeProto, inner, {
        input: inner.input.map(into),
        output: inner.output.map(out),
      })
    })
  main.node = [
    node(
      'If',
      ['use_cache_branch'],
      outputs,
      {
        then_branch: body(renamed(''), []),
        else_branch: body(
          renamed('_none'),
          past.map(name => `${name}_none`),
        ),
      },
      'optimum::if',
    ),
  ]
  main.input.push(value('use_cache_branch', OnnxType.BOOL, [1]))
  main.valueInfo = []
  return proto
}

test('a merged decoder: modules by path in whichever branch the inputs choose, with the values of the single decoder', async t => {
  const merged = await load(saved(mergedDecoder(), 'merged.onnx'))
  const single = await load(cacheFile)
  t.is(merged.transformer.h.length, 4)
  const block = merged.transformer.h[1]

  const prompt = [5, 9, 2, 7, 1]
  const empty = Object.fromEntries(
    [0, 1, 2, 3].flatMap(i => ['key', 'value'].map(k => [`past_key_values.${i}.${k}`, zeros([1, 4, 0, 32])])),
  )
  const first = {
    input_ids: [prompt],
    attention_mask: [prompt.map(() => 1)],
    position_ids: [prompt.map((_, i) => i)],
    ...(await settled(empty)),
  }
  const a = await single.run(first)
  const b = await merged.run({ ...first, use_cache_branch: [false] })
  for (const name of Object.keys(a)) t.deepEqual(b[name].tolist(), a[name].tolist(), name)

  const past = Object.fromEntries(
    Object.entries(a)
      .filter(([name]) => name.startsWith('present'))
      .map(([name, data]) => [name.replace('present', 'past_key_values'), data]),
  )
  const second = { input_ids: [[3]], attention_mask: [[...prompt.map(() => 1), 1]], position_ids: [[5]], ...past }
  const traced = (m: Model, inputs: object, steer: boolean) =>
    m.trace(inputs as never, model => {
      if (steer) model.transformer.h[2].attn.output = model.transformer.h[2].attn.output.mul(3)
      return {
        hidden: model === merged ? block.output : model.transformer.h[1].output,
        pattern: model.transformer.h[3].attn.ops.Softmax[0].output,
        logits: model.lm_head.output,
      }
    })
  for (const [inputs, cached] of [
    [first, false],
    [second, true],
  ] as const) {
    for (const steer of [false, true]) {
      const expected = await traced(single, inputs, steer)
      const got = await traced(merged, { ...inputs, use_cache_branch: [cached] }, steer)
      for (const key of ['hidden', 'pattern', 'logits'] as const)
        t.deepEqual(got[key].tolist(), expected[key].tolist(), `${key}, cached ${cached}, steered ${steer}`)
    }
    const plain = await traced(merged, { ...inputs, use_cache_branch: [cached] }, false)
    const steered = await traced(merged, { ...inputs, use_cache_branch: [cached] }, true)
    t.notDeepEqual(steered.logits.tolist(), plain.logits.tolist())
    t.deepEqual(steered.hidden.tolist(), plain.hidden.tolist())
  }
  await merged.release()
  await single.release()
})

async function settled(lazy: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(lazy).map(async ([name, data]) => [name, await data.value()] as const)),
  )
}

test('release before any branch was chosen', async t => {
  const opened = await load(saved(twoIfs()))
  await opened.release()
  await t.throwsAsync(opened.run({ x: xs, a: true, b: true }), { code: 'use-after-release' })
})

test('weights inside branches, of one that is taken and of one that the run decides', async t => {
  const many = Array.from({ length: 1024 }, (_, i) => i / 7)
  const weight = floats('w', [1024], [])
  weight.floatData = []
  weight.rawData = new Uint8Array(Float32Array.from(many).buffer)
  const body = (op: string) =>
    graph({ nodes: [node(op, ['x', 'w'], ['r'], {}, `/${op}`)], initializers: [weight], outputs: ['r'] })
  const file = (condition: string, nodes: NodeProto[]) =>
    saved(
      model(
        graph({
          inputs: [value('x', OnnxType.FLOAT, [1024]), flag('a')],
          initializers: [
            floats('v', [1024, 1], new Array(1024).fill(1)),
            floats('zero', [], [0]),
            ints('none', [0], []),
          ],
          nodes: [
            ...nodes,
            node('If', [condition], ['out'], { then_branch: body('Add'), else_branch: body('Mul') }, 'if'),
          ],
          outputs: [value('out', OnnxType.FLOAT, [1024])],
        }),
      ),
    )
  const late = [
    node('MatMul', ['x', 'v'], ['sum'], {}, 'sum'),
    node('Reshape', ['sum', 'none'], ['scalar'], {}, 'scalar'),
    node('Greater', ['scalar', 'zero'], ['positive'], {}, 'positive'),
  ]
  const xs = Array.from({ length: 1024 }, (_, i) => (i % 3) - 1)
  const feeds = (on: boolean) => ({ x: new ort.Tensor('float32', Float32Array.from(xs), [1024]), a: bool(on) })
  for (const path of [file('a', []), file('positive', late)]) {
    const opened = await load(path)
    for (const a of [true, false])
      t.deepEqual((await opened.run({ x: xs, a })).out.tolist(), (await bare(path, feeds(a))).out)
    await opened.release()
  }
  const opened = await load(file('a', []))
  const weights = await opened.trace({ x: xs, a: true }, m => m.tensor('w'))
  t.deepEqual(weights.tolist(), Array.from(Float32Array.from(many)))
  await opened.release()
})
