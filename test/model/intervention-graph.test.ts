import test from 'ava'
import fc from 'fast-check'
import { type InterventionGraph, load, type Model, OnnsightError, type Tensor, template } from 'onnsight'
import { skip } from 'onnsight/trace.macro'
import { many } from '../many.js'

const inputs = { input_ids: [[18, 47, 56, 57]] }
let model!: Model
let other!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
  other = await load('test/fixtures/models/induction.onnx')
})
test.after.always(async () => {
  await model?.release()
  await other?.release()
})

const numbers = (value: unknown): number[] => Array.from((value as Tensor).data as Float32Array)

const blocks: Readonly<Record<string, (m: Model) => unknown>> = {
  'a read': m => m.transformer.h[1].output,
  'a write': m => {
    m.transformer.h[1].mlp.output = m.transformer.h[0].output.mul(0.5)
    return m.lm_head.output
  },
  'slices and a steering vector': m => {
    m.transformer.h[2].output.set(':, -1', new Float32Array(128).fill(0.3))
    return [m.lm_head.output, m.transformer.h[2].output]
  },
  'reads before and after a write': m => {
    const before = m.transformer.h[0].output
    m.transformer.h[0].output = before.add(1)
    m.transformer.h[0].output = m.transformer.h[0].output.mul(2)
    return { before, after: m.transformer.h[0].output, plain: [1, 'a', null, true] }
  },
  'a module applied': m => m.lm_head(m.transformer.ln_f(m.transformer.h[0].output)),
  'operations inside, several results, integers': m => {
    const pattern = m.transformer.h[0].attn.ops.Softmax[0].output
    m.transformer.h[0].attn.ops.Softmax[0].output = pattern.tril()
    return m.lm_head.output.topk(3, -1)
  },
  'a skip': m => {
    skip(m.transformer.h[1])
    return m.lm_head.output.logSoftmax(-1).argmax(-1)
  },
  nothing: () => undefined,
}

for (const [name, block] of Object.entries(blocks)) {
  test(`recorded and run as JSON, ${name} gives what a trace gives, to the bit`, async t => {
    const graph = await model.record(inputs, block)
    const text = JSON.stringify(graph)
    const got = await model.runGraph(JSON.parse(text))
    const expected = await model.trace(inputs, block)
    t.is(JSON.stringify(got), JSON.stringify(expected ?? null))
    t.is(JSON.stringify(await model.record(inputs, block)).length, text.length)
  })
}

test('a template can be recorded; a value can’t be asked for', async t => {
  const graph = await model.record(inputs, template`save x = softmax(lm_head.output, -1)`)
  const { x } = (await model.runGraph(graph)) as { x: Tensor }
  t.is(graph.version, 1)
  t.true(Math.abs(numbers(x).reduce((a, b) => a + b) - 4) < 1e-4)
  const error = (await t.throwsAsync(model.record(inputs, m => m.lm_head.output.value()))) as OnnsightError
  t.is(error.code, 'scanned')
  const odd = (await t.throwsAsync(model.record(inputs, () => new Map()))) as OnnsightError
  t.regex(odd.message, /returned a Map/)
})

test('an error of the run stands at the line where it was recorded', async t => {
  const graph = await model.record(inputs, m =>
    m.lm_head.output.gather(1, m.lm_head.output.argmax(-1, { keepdim: true })),
  )
  const error = (await t.throwsAsync(model.runGraph(JSON.parse(JSON.stringify(graph))))) as OnnsightError
  t.is(error.code, 'run')
  t.regex(error.at?.file ?? '', /intervention-graph\.test\.ts$/)
})

test('a graph of another model, another version, or no graph at all is refused', async t => {
  const graph = await model.record(inputs, m => m.transformer.h[3].mlp.output)
  for (const [bad, where] of [
    [{ ...graph, version: 2 }, /version is 2, but only version 1 is supported/],
    [{ ...graph, inputs: undefined }, /inputs is not an object/],
    [{ ...graph, nodes: 'x' }, /nodes is not a list/],
    [{ ...graph, wanted: [[5, 0]] }, /wanted\[0\] does not refer to an earlier node/],
    [{ ...graph, wanted: [[0, 3]] }, /wanted\[0\] does not refer to an output/],
    [null, /version is undefined/],
    [[], /version is undefined/],
    [{ ...graph, inputs: { input_ids: { type: 'int64', dims: [1, 1e9], data: '' } } }, /fewer elements/],
    [{ ...graph, result: { $tensor: 7 } }, /a tensor that is not in wanted/],
    [
      { ...graph, nodes: [{ kind: 'operation', opType: 'If', domain: '', inputs: [], attributes: {}, results: [] }] },
      /opType is "If", which no block records/,
    ],
    [
      {
        ...graph,
        nodes: [{ kind: 'operation', opType: 'Add', domain: 'evil', inputs: [], attributes: {}, results: [] }],
      },
      /no block records/,
    ],
  ] as const) {
    const error = (await t.throwsAsync(model.runGraph(bad))) as OnnsightError
    t.is(error.code, 'invalid-intervention-graph', error.message)
    t.regex(error.message, where)
  }
  const foreign = (await t.throwsAsync(other.runGraph(graph))) as OnnsightError
  t.regex(foreign.message, /the model has no such place/)
})

test('hostile graphs end in an error with a code, or run: never a crash', async t => {
  const graphs = await Promise.all(
    Object.values(blocks).map(async block => JSON.stringify(await model.record(inputs, block))),
  )
  const before: string[] = []
  for (const block of Object.values(blocks)) before.push(JSON.stringify((await model.trace(inputs, block)) ?? null))
  const odd = fc.constantFrom<unknown>(
    null,
    -1,
    0,
    1,
    7,
    1e9,
    1.5,
    '',
    'x',
    '__proto__',
    [],
    {},
    [[0, 0]],
    'Shape',
    'int64',
    'float64',
    true,
  )
  const seen = { refused: 0, ran: 0 }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...graphs), fc.nat(), odd, fc.boolean(), async (text, at, value, isRemoved) => {
      const graph = JSON.parse(text) as InterventionGraph
      const places: [Record<string, unknown>, string][] = []
      const walk = (json: unknown): void => {
        if (typeof json !== 'object' || json === null) return
        for (const key of Object.keys(json)) {
          if (key === 'at') continue
          places.push([json as Record<string, unknown>, key])
          walk((json as Record<string, unknown>)[key])
        }
      }
      walk(graph)
      const [owner, key] = places[at % places.length]
      if (isRemoved) delete owner[key]
      else owner[key] = value
      try {
        await model.runGraph(graph, at % 2 ? { limits: { nodes: 100, valueBytes: 2 ** 24 } } : {})
        seen.ran++
      } catch (error) {
        seen.refused++
        t.true(error instanceof OnnsightError, `${key} = ${JSON.stringify(value)}: ${(error as Error).stack}`)
      }
    }),
    { numRuns: many(2400) },
  )
  // The wrong dtypes and dims that these graphs state were not cached.
  for (const [i, block] of Object.values(blocks).entries())
    t.is(JSON.stringify((await model.trace(inputs, block)) ?? null), before[i])
  t.log(seen)
  t.true(seen.refused > 300 && seen.ran > 20)
})
