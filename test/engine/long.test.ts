import test from 'ava'
import { load, type Model, save, type Tensor, type TraceReport, WorkerBackend } from 'onnsight'

const ids = [[18, 47, 56, 57]]
/** A number of operations far beyond the depth of the call stack, if each of them needed a call. */
const MANY = 4000

const model = await load('test/fixtures/models/chars.onnx')
test.after.always(() => model.release())

/** Blocks whose results are whole numbers, so that they are equal in any order of additions. */
const blocks: Record<string, { block: (m: Model) => unknown; expected: number }> = {
  'a chain of operations': {
    block: m => {
      let sum = m.lm_head.output.mul(0)
      for (let i = 0; i < MANY; i++) sum = sum.add(1)
      return sum
    },
    expected: MANY,
  },
  'writes at one place, each reading the one before': {
    block: m => {
      m.lm_head.output = 0
      for (let i = 0; i < MANY; i++) m.lm_head.output = m.lm_head.output.add(1)
      return m.lm_head.output
    },
    expected: MANY,
  },
  'writes that give on what they read': {
    block: m => {
      m.lm_head.output = 3
      for (let i = 0; i < MANY; i++) {
        const before = m.lm_head.output
        m.lm_head.output = before
      }
      return m.lm_head.output
    },
    expected: 3,
  },
  'writes at two places on one way': {
    block: m => {
      const { ln_f } = m.transformer
      ln_f.output = 0
      m.lm_head.input = 0
      for (let i = 0; i < MANY / 2; i++) {
        ln_f.output = ln_f.output.add(1)
        m.lm_head.input = m.lm_head.input.add(ln_f.output)
      }
      return m.lm_head.input.slice([{}, {}, { start: 0, stop: 2 }])
    },
    // float32 can hold the sum 0 + 1 + … exactly.
    expected: ((MANY / 2) * (MANY / 2 + 1)) / 2,
  },
}

const allEqual = (tensor: unknown, expected: number): boolean => {
  const data = Array.from((tensor as Tensor).data as Float32Array)
  return data.length > 0 && data.every(value => value === expected)
}

for (const [what, { block, expected }] of Object.entries(blocks)) {
  test(`very many steps: ${what}, in a trace, as data, and in a worker`, async t => {
    t.true(allEqual(await model.trace(ids, block), expected), 'trace')
    const graph = JSON.parse(JSON.stringify(await model.record(ids, block)))
    t.true(allEqual(await model.runGraph(graph), expected), 'as data')
    const backend = new WorkerBackend()
    t.true(allEqual(await model.trace(ids, { backend }, block), expected), 'worker')
    backend.release()
    t.true(allEqual((await model.generate(ids, { maxNewTokens: 1 }, block)).values[0], expected), 'generate')
  })
}

test('very many applications of a module, each to the result of the one before', async t => {
  const norm = (m: Model, times: number): Tensor => {
    let h: Tensor = m.transformer.h[1].output
    for (let i = 0; i < times; i++) h = m.transformer.ln_f(h)
    return h
  }
  // The norm converges: once it has, applying it again changes nothing.
  const [few, many] = [await model.trace(ids, m => norm(m, 500)), await model.trace(ids, m => norm(m, 3000))]
  const [a, b] = [few, many].map(tensor => Array.from(tensor.data as Float32Array))
  t.true(a.every((value, i) => Math.abs(value - b[i]) < 1e-4 * Math.max(1, Math.abs(value))))
})

test('very many saved values', async t => {
  const all = await model.trace(ids, m => {
    const zero = m.lm_head.output.slice([0, -1, 0]).mul(0)
    return Array.from({ length: 3000 }, (_, i) => save(zero.add(i)))
  })
  t.true(all.every((tensor, i) => Number((tensor.data as Float32Array)[0]) === i))
})

test('parts of a long chain are equal, and share one session', async t => {
  let report: TraceReport | undefined
  const onReport = (given: TraceReport) => {
    report = given
  }
  await model.trace(ids, { onReport }, m => {
    let sum = m.lm_head.output.mul(0)
    for (let i = 0; i < 8 * 512; i++) sum = sum.sub(2)
    return sum
  })
  const made = report!.steps.filter(({ kind, createMs }) => kind !== 'shared' && createMs !== undefined)
  t.true(made.length > 0 && made.length < 4, `${made.length} sessions were made`)
})

test('rows are picked before the head for each of many readers of many applications', async t => {
  const rows = await model.trace(ids, m =>
    Array.from({ length: 300 }, (_, i) => m.lm_head(m.transformer.ln_f.output.add(i)).slice([{}, -1])),
  )
  const whole = await model.trace(ids, m => m.lm_head(m.transformer.ln_f.output.add(299)))
  const [got, expected] = [rows[299], whole].map(tensor => Array.from(tensor.data as Float32Array))
  t.true(got.every((value, i) => Math.abs(value - expected[expected.length - got.length + i]) < 1e-2))
})
