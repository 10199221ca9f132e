import test from 'ava'
import { load, type Model, type Tensor, tensor } from 'onnsight'
import { type Server, serve } from 'onnsight/serve'
import { near } from '../near.ts'

const path = 'test/fixtures/models/chars.onnx'
let server!: Server
let model!: Model
test.before(async () => {
  server = await serve([path], { tokens: { a: 'ada', b: 'ben' }, maxBatch: 16 })
  model = await load(path)
})
test.after.always(async () => {
  await server?.close()
  await model?.release()
})

interface Answer {
  readonly values: readonly { readonly type: string; readonly dims: readonly number[]; readonly data: string }[]
}

async function ask(graph: unknown, token = 'a', signal?: AbortSignal, to = server): Promise<Response> {
  return fetch(`${to.url}/models/chars/graphs`, {
    method: 'POST',
    body: JSON.stringify(graph),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(signal ? { signal } : {}),
  })
}

async function values(response: Response): Promise<Tensor[]> {
  const { values } = (await response.json()) as Answer
  return Promise.all(
    values.map(({ dims, data, type }) => {
      const bytes = new Uint8Array(Buffer.from(data, 'base64')).buffer
      return tensor(type === 'float32' ? new Float32Array(bytes) : new BigInt64Array(bytes))
        .reshape([...dims])
        .value()
    }),
  )
}

/** How many requests ran, and in how many runs. */
async function runs(): Promise<{ requests: number; runs: number }> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const read = (name: string) =>
    Number(new RegExp(`^onnsight_batch_requests_${name}\\{.*\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return { requests: read('sum'), runs: read('count') }
}

const tokens = (seed: number, rows = 1) =>
  Array.from({ length: rows }, (_, r) => Array.from({ length: 5 }, (_, i) => (seed * 7 + i * 3 + r) % 65))

const blocks: ((m: Model, i: number) => unknown)[] = [
  m => m.lm_head.output,
  (m, i) => {
    m.transformer.h[1].output = m.transformer.h[1].output.mul(i / 3)
    return m.lm_head.output
  },
  m => [m.transformer.h[0].attn.ops.Softmax[0].output, m.lm_head.output.slice(':, -1').topk(3, -1)],
  (m, i) => {
    m.transformer.h[2].mlp.output.set(':, -1', new Float32Array(128).fill(i))
    const before = m.transformer.h[0].output
    m.transformer.h[0].output = before.add(i).mul(-1)
    m.transformer.h[0].output = m.transformer.h[0].output.mul(2)
    return { before, after: m.transformer.h[0].output, logits: m.lm_head.output, mean: m.lm_head.output.mean() }
  },
  m => m.lm_head(m.transformer.ln_f(m.transformer.h[1].output)),
]

test.serial('requests that arrive together share runs, and each gets what it gets alone', async t => {
  const graphs = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      model.record({ input_ids: tokens(i, (i % 3) + 1) }, m => blocks[i % blocks.length](m, i)),
    ),
  )
  const before = await runs()
  const answers = await Promise.all(graphs.map((graph, i) => ask(graph, i % 2 ? 'a' : 'b').then(values)))
  const after = await runs()
  t.is(after.requests - before.requests, 20)
  t.true(after.runs - before.runs < 12, JSON.stringify({ before, after }))
  for (const [i, graph] of graphs.entries()) {
    const alone = [await model.runGraph(graph)].flat(2) as unknown[]
    const expected = alone.flatMap(value =>
      (value as object).constructor === Object ? Object.values(value as object) : [value],
    ) as Tensor[]
    t.is(answers[i].length, expected.length)
    for (const [k, value] of expected.entries()) t.true(near(answers[i][k], value), `request ${i}, value ${k}`)
  }
})

test.serial('a request that is refused in a batch takes nothing from the others', async t => {
  const good = await model.record({ input_ids: tokens(1) }, m => m.lm_head.output)
  const huge = await model.record({ input_ids: tokens(2) }, m => m.lm_head.output.mean().expand([40000, 40000]).sum())
  const broken = { ...good, nodes: [{ kind: 'operation' }] }
  const responses = await Promise.all([good, huge, good, broken, good].map(graph => ask(graph)))
  t.deepEqual(
    responses.map(({ status }) => status),
    [200, 413, 200, 400, 200],
  )
})

test.serial('who leaves is not waited for', async t => {
  const graph = await model.record({ input_ids: tokens(3) }, m => m.lm_head.output)
  const controller = new AbortController()
  const left = Array.from({ length: 5 }, () => ask(graph, 'b', controller.signal))
  controller.abort(new Error('left'))
  const ends = await Promise.allSettled(left)
  t.true(ends.every(({ status }) => status === 'rejected'))
  t.is((await ask(graph)).status, 200)
  const waiting = await fetch(`${server.url}/queue`, { headers: { authorization: 'Bearer b' } })
  t.deepEqual(await waiting.json(), { waiting: [] })
})

test.serial('a server that ends answers what it has, and then nothing', async t => {
  const own = await serve([path])
  const graph = await model.record({ input_ids: tokens(4) }, m => m.lm_head.output)
  const asked = Array.from({ length: 12 }, () => ask(graph, '', undefined, own))
  // All have arrived when the first is answered.
  await Promise.race(asked)
  await own.close()
  for (const one of asked) t.is((await one).status, 200)
  await t.throwsAsync(ask(graph, '', undefined, own))
})
