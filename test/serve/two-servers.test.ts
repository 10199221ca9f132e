import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { load, type Model, type OnnsightError, type Tensor } from 'onnsight'
import { serve } from 'onnsight/serve'
import { near } from '../near.ts'
import { freePort, hasRedis, Redis } from '../queue/redis.ts'
import { withRedis } from '../queue/with-redis.ts'
import { Balancer, ServerProcess } from './servers.ts'

/** How often a server is killed: ONNSIGHT_KILLS=50 npx ava test/serve/two-servers.test.ts */
const KILLS = Number(process.env.ONNSIGHT_KILLS ?? 2)
const MODEL = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-servers-'))

let redis!: Redis
let model!: Model
let servers: ServerProcess[] = []
test.before(async () => {
  model = await load(MODEL)
  if (!hasRedis) return
  redis = await Redis.start(folder)
  const tokens = join(folder, 'tokens.json')
  const quotas = { requests: 5 }
  writeFileSync(
    tokens,
    JSON.stringify({ a: 'ada', poor: { name: 'poor', quotas }, slow: { name: 'slow', quotas: { seconds: 0.001 } } }),
  )
  const args = [MODEL, '--redis', redis.url, '--tokens', tokens, '--max-batch', '4']
  servers = [new ServerProcess(await freePort(), args), new ServerProcess(await freePort(), args)]
  await Promise.all(servers.map(server => server.start()))
})
test.after.always(async () => {
  await Promise.all(servers.map(server => server.end('SIGKILL')))
  if (hasRedis) await redis.kill()
  await model?.release()
  rmSync(folder, { recursive: true })
})

const tokens = (i: number) => ({ input_ids: [[i % 65, 47, (i * 7) % 65, 57]] })
const ask = (server: ServerProcess, token: string, route: string, body?: unknown): Promise<Response> =>
  fetch(server.url + route, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  })

withRedis(`two servers count a user’s quotas together`, async t => {
  const statuses = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(servers[i % 2], 'poor', '/models')))
  t.is(statuses.filter(({ status }) => status === 200).length, 5)
  const refused = statuses.filter(({ status }) => status === 429)
  t.is(refused.length, 7)
  t.true(refused.every(({ headers }) => Number(headers.get('retry-after')) > 0))
  // Parts of a second count, too.
  const graph = await model.record(tokens(1), m => m.lm_head.output)
  t.is((await ask(servers[0], 'slow', '/models/chars/graphs', graph)).status, 200)
  while ((await ask(servers[1], 'slow', '/models')).status !== 429) await wait(5)
})

withRedis(`a user sees at either server which requests wait`, async t => {
  const graphs = await Promise.all(
    [0, 1, 2, 3].map(i => model.record(tokens(i), m => m.transformer.h[i % 3].output.mul(i))),
  )
  let isOver = false
  const load = async (i: number): Promise<void> => {
    while (!isOver) t.is((await ask(servers[0], 'a', '/models/chars/graphs', graphs[i % 4])).status, 200)
  }
  const loads = Array.from({ length: 24 }, (_, i) => load(i))
  let waiting: { model: string; place: number; estimateMs: number }[] = []
  while (waiting.length === 0)
    ({ waiting } = (await (await ask(servers[1], 'a', '/queue')).json()) as { waiting: typeof waiting })
  t.true(waiting.every(({ model, place, estimateMs }) => model === 'chars' && place >= 0 && estimateMs > 0))
  t.deepEqual(
    await (await ask(servers[1], 'poor', '/queue'))
      .json()
      .then(body => (body as { error?: object }).error !== undefined),
    true,
  )
  isOver = true
  await Promise.all(loads)
})

withRedis(`servers are killed under load ${KILLS} times: each request gets its own answer, once`, async t => {
  t.timeout(900_000)
  const balancer = await Balancer.start(servers.map(({ port }) => port))
  t.teardown(() => balancer.close())
  const remote = await load(`${balancer.url}/models/chars`, { token: 'a' })
  t.teardown(() => remote.release())
  const block = (m: Model, i: number): Tensor => {
    m.transformer.h[1].output = (m.transformer.h[1].output as Tensor).mul(1 + (i % 5) / 3)
    return m.lm_head.output.slice(':, -1') as Tensor
  }
  const due = new Map<number, Tensor>()
  for (let i = 0; i < 65; i++) due.set(i, await model.trace(tokens(i), m => block(m, i)))
  let isOver = false
  let answers = 0
  const use = async (user: number): Promise<void> => {
    for (let i = user; !isOver; i += 8, answers++) {
      const got = await remote.trace(tokens(i % 65), m => block(m, i % 65))
      t.true(near(got, due.get(i % 65)), `request ${i}`)
    }
  }
  const users = Promise.all(Array.from({ length: 8 }, (_, user) => use(user)))
  const failed = users.then(
    () => undefined,
    (error: unknown) => error,
  )
  for (let kill = 0; kill < KILLS; kill++) {
    const before = answers
    const server = servers[kill % 2]
    await wait(50 + Math.random() * 200)
    await server.end('SIGKILL')
    await server.start()
    // The other has gone on.
    t.true(answers > before)
  }
  isOver = true
  t.is(await failed, undefined)
  t.log(`${KILLS} kills, ${answers} answers`)
})

withRedis(`without their Redis, servers go on and count by themselves`, async t => {
  await redis.kill()
  t.is((await ask(servers[0], 'a', '/models')).status, 200)
  t.is((await ask(servers[0], 'poor', '/models')).status, 200)
  t.like(await (await ask(servers[1], 'a', '/queue')).json(), { waiting: [] })
  await redis.start()
})

test('what is no address of Redis, and a Redis that is not there, are refused', async t => {
  const none = await t.throwsAsync(serve([MODEL], { redis: 'http://localhost' }))
  t.like(none as OnnsightError, { code: 'serve' })
  t.regex(none.message, /no address of Redis/)
  const away = await t.throwsAsync(serve([MODEL], { redis: `redis://127.0.0.1:${await freePort()}` }))
  t.like(away as OnnsightError, { code: 'serve' })
  t.regex(away.message, /can’t be reached/)
})
