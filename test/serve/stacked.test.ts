import test from 'ava'
import fc from 'fast-check'
import { type InterventionGraph, load, type Model, type Tensor, tensor } from 'onnsight'
import { asTraceable } from '#dist/runtime/tracing/traceable.js'
import { runGraphs } from '#dist/serve/process/run-graphs.js'
import { many } from '../many.js'

let model!: Model
test.before(async () => {
  model = await load('test/fixtures/models/chars.onnx')
})
test.after.always(() => model?.release())

const signal = new AbortController().signal
const permission = { limits: {}, deny: [], allowWeights: false }
const prompt = (seed: number, rows = 1) => ({
  input_ids: Array.from({ length: rows }, (_, r) => Array.from({ length: 5 }, (_, i) => (seed * 11 + i * 3 + r) % 65)),
})

type Block = (m: Model, k: number) => unknown

/** Runs the graphs as one request of several jobs. @returns the values of each, and whether all came from one run whose plan was there */
async function together(graphs: readonly InterventionGraph[]) {
  const replies = await runGraphs(
    asTraceable(model, 'test'),
    graphs.map(graph => ({ graph, permission })),
    signal,
  )
  const done = replies.map(reply => {
    if ('error' in reply) throw new Error(JSON.stringify(reply.error))
    return reply
  })
  return {
    values: done.map(({ wanted }) => wanted),
    isOneRun: done.every(({ details }) => details.report === done[0].details.report),
    planCached: done[0].details.report.planCached,
  }
}

async function alone(graph: InterventionGraph): Promise<Tensor[]> {
  const results = [await model.runGraph(graph)].flat(3) as unknown[]
  return results.flatMap(value =>
    (value as object).constructor === Object ? (Object.values(value as object) as Tensor[]) : [value as Tensor],
  )
}

async function areAsAlone(
  t: { true(value: boolean, message?: string): void },
  graphs: readonly InterventionGraph[],
  what: string,
) {
  const { values, ...run } = await together(graphs)
  for (const [i, graph] of graphs.entries())
    for (const [k, due] of (await alone(graph)).entries()) {
      const { type, dims, data } = values[i][k]
      t.true(
        dims.join() === due.dims.join() && type === due.type,
        `${what}: ${type} [${dims}] for ${due.type} [${due.dims}]`,
      )
      const right = Array.from(due.data as ArrayLike<number>, Number)
      const isNear = (value: number, at: number) => Math.abs(value - right[at]) <= 1e-3 * (1 + Math.abs(right[at]))
      t.true(Array.from(data as ArrayLike<number>, Number).every(isNear), `${what}, job ${i}, value ${k}`)
    }
  return run
}

/** Blocks that one plan computes for any number of users. The number is each user's own. */
const stacked: Readonly<Record<string, Block>> = {
  'a whole value': m => m.lm_head.output,
  'the last place': m => m.lm_head.output.slice(':, -1'),
  'a row without its axis': m => m.lm_head.output.slice('0, -1'),
  'one number': m => m.lm_head.output.slice('0, -1, 5').sub(m.lm_head.output.slice('0, -1, 7')),
  'a range': m => m.lm_head.output.slice(':, 1:3'),
  'a range of a row': m => m.lm_head.output.slice('0, 1:4, 3'),
  'the likeliest': m => [m.lm_head.output.softmax(-1).topk(3, -1), m.lm_head.output.argmax(-1)],
  'sums over some axes and over all': m => [
    m.lm_head.output.mean([1]),
    m.lm_head.output.sum(),
    m.transformer.h[0].output.norm(2, -1),
  ],
  'the sum of a row': m => m.lm_head.output.slice('0').mean(),
  scaled: (m, k) => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(k)
    return m.lm_head.output
  },
  'steered by a vector': (m, k) => {
    m.transformer.h[1].output = m.transformer.h[1].output.add(new Float32Array(128).fill(k / 5))
    return { before: m.transformer.h[1].output, logits: m.lm_head.output.logSoftmax(-1) }
  },
  'one position set': (m, k) => {
    m.transformer.h[2].mlp.output.set(':, -1', new Float32Array(128).fill(k))
    return m.lm_head.output.slice(':, -1')
  },
  'one number set': (m, k) => {
    m.transformer.h[1].output.set('0, 2, 5', k)
    return m.lm_head.output
  },
  'a position copied': m => {
    m.transformer.h[1].output.set('0, 2', m.transformer.h[1].output.slice('0, 1'))
    return m.lm_head.output
  },
  'a module off': m => {
    m.transformer.h[1].mlp.output = 0
    return m.lm_head.output
  },
  'a constant for a module': (m, k) => {
    m.transformer.h[1].mlp.output = k
    return m.lm_head.output
  },
  'written twice and read between': (m, k) => {
    const before = m.transformer.h[0].output
    m.transformer.h[0].output = before.add(k).mul(-1)
    const between = m.transformer.h[0].output
    m.transformer.h[0].output = m.transformer.h[0].output.mul(2)
    return { before, between, after: m.transformer.h[0].output, logits: m.lm_head.output }
  },
  'modules applied': (m, k) => m.lm_head(m.transformer.ln_f(m.transformer.h[1].output.mul(k))).softmax(-1),
  'the attention of heads': m => m.transformer.h[0].attn.ops.Softmax[0].output.mean([1]),
  'other axes': m => [
    m.transformer.h[0].output.transpose(1, 2),
    m.transformer.h[0].output.reshape([1, 5, 4, 32]),
    m.transformer.h[0].output.unsqueeze(1),
  ],
  'a product': (m, k) => m.transformer.h[0].output.matmul(new Float32Array(128).fill(0.1)).gt(k).where(1, 0),
  'a probe': (m, k) => m.transformer.h[0].output.slice('0, -1').mul(new Float32Array(128).fill(k)).sum().sigmoid(),
  'a user’s own number': (m, k) => [m.lm_head.output.max(), tensor([k]).add(1)],
}

for (const [name, block] of Object.entries(stacked))
  test.serial(`users who do the same with other inputs and numbers share one plan: ${name}`, async t => {
    const graph = (i: number) => model.record(prompt(i), m => block(m, 1 + i / 3))
    const first = await areAsAlone(t, await Promise.all([0, 1, 2, 3, 4].map(graph)), name)
    t.true(first.isOneRun)
    const fewer = await areAsAlone(t, await Promise.all([5, 6, 7].map(graph)), name)
    t.true(fewer.isOneRun && fewer.planCached)
    // Who is alone afterwards takes the same plan.
    t.true((await areAsAlone(t, [await graph(8)], name)).planCached)
  })

test.serial('several rows of each user, and the same numbers', async t => {
  for (const name of ['the last place', 'the likeliest', 'a module off', 'modules applied', 'scaled']) {
    const graphs = await Promise.all([0, 1, 2].map(i => model.record(prompt(i, 2), m => stacked[name](m, 2))))
    t.true((await areAsAlone(t, graphs, name)).isOneRun, name)
  }
})

test.serial('all kinds at once, and those that no rule stacks', async t => {
  const others: Block[] = [
    m => m.lm_head.output.cumsum(0),
    m => m.lm_head.output.mean([0]),
    (m, k) => m.lm_head.output.mul(k).reshape([-1]),
    (m, k) => {
      m.transformer.h[1].output.set(':, ::2', k)
      return m.lm_head.output
    },
  ]
  const blocks = [...Object.values(stacked).filter((_, i) => i % 4 === 1), ...others]
  const graphs = await Promise.all(
    [...blocks, ...blocks]
      .map((block, i) => model.record(prompt(i, block.length === 2 ? 1 : (i % 2) + 1), m => block(m, i / 20)))
      .map(one => one.catch(() => undefined)),
  )
  await areAsAlone(
    t,
    graphs.filter(graph => graph !== undefined),
    'all',
  )
})

const steps: Readonly<Record<string, (h: Tensor, k: number) => Tensor>> = {
  mul: (h, k) => h.mul(k),
  vector: (h, k) => h.add(k).relu(),
  last: h =>
    h
      .slice(h.dims.length > 1 ? ':, -1' : '-1')
      .unsqueeze(0)
      .add(h),
  softmax: h => h.softmax(-1),
  mean: h => h.mean([-1], { keepdim: true }).sub(h),
  first: h => (h.dims.length > 1 ? h.slice('0') : h),
  total: h => h.sub(h.max()),
  wide: (h, k) => h.unsqueeze(0).mul(k),
  turn: h => (h.dims.length > 1 ? h.transpose(-1, -2) : h),
  cut: h => h.slice('...').mul(h),
  flat: h => h.reshape([-1]),
  join: h => h.unsqueeze(-1).tanh().squeeze(-1),
}

test.serial('any chain of operations: together as alone', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 5 }),
      fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
      async (names, numbers) => {
        const block = (m: Model, k: number) =>
          names.reduce((h, name) => steps[name](h, k), m.transformer.h[0].output as Tensor)
        let graphs: InterventionGraph[]
        try {
          graphs = await Promise.all(numbers.map((k, i) => model.record(prompt(i), m => block(m, k))))
        } catch {
          // Not every chain fits together.
          return
        }
        await areAsAlone(t, graphs, names.join())
      },
    ),
    { numRuns: many(60) },
  )
})
