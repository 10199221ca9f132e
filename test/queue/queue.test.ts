import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { harvest } from 'onnsight/harvest'
import { sweep } from 'onnsight/sweep'
import { JobQueue } from '#dist/queue/queue.js'
import { machineName, threadsOf } from '#dist/queue/worker/cores.js'
import { startWorker as startHere } from '#dist/queue/worker/worker.js'
import { onnsight } from '../cli/spawn.ts'
import { rowHash } from '../harvest/row-hash.ts'
import { hasRedis, Redis } from './redis.ts'
import { withRedis } from './with-redis.ts'

/** How often workers and Redis are killed: ONNSIGHT_KILLS=50 npx ava test/queue/queue.test.ts */
const KILLS = Number(process.env.ONNSIGHT_KILLS ?? 3)

const MODEL = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-queue-'))

let redis!: Redis
let model!: Model
const workers = new Set<ChildProcess>()

test.before(async () => {
  // One thread here and in the workers: with another number of them onnxruntime adds in another order.
  model = await load(MODEL, { threads: 1 })
  if (hasRedis) redis = await Redis.start(folder)
})
test.after.always(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  if (hasRedis) await redis.kill()
  rmSync(folder, { recursive: true })
})

const queueAt = (name: string): string => `${redis.url}?name=${name}`

function startWorker(
  queue: string,
  args: readonly string[] = [],
  models: readonly string[] = ['--models', MODEL],
): ChildProcess {
  const all = ['dist/cli/onnsight.js', 'worker', '--queue', queue, ...models, '--lock', '1', '--threads', '1', ...args]
  const worker = spawn(process.execPath, all, { stdio: 'ignore' })
  workers.add(worker)
  return worker
}

async function end(worker: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  workers.delete(worker)
  if (worker.exitCode !== null) return
  const ended = once(worker, 'exit')
  worker.kill(signal)
  await ended
}

/** Puts points of a sweep into a queue. */
const pointsInto =
  (jobs: JobQueue) =>
  async (id: string): Promise<void> => {
    const graph = await model.record([[1, 2]], m => (m.module('lm_head').output as Tensor).max())
    const sha256 = createHash('sha256').update(readFileSync(MODEL)).digest('hex')
    await jobs.add({ id, kind: 'point', data: { model: { sha256, source: '' }, graph } })
  }

const edit = (m: Model): void => {
  const h = m.module('transformer.h.0').output as Tensor
  m.module('transformer.h.0').output = h.mul(1.5)
}
const ids = Array.from({ length: 20 * KILLS + 10 }, (_, d) =>
  Array.from({ length: 24 }, (_, p) => (d * 3 + p * p) % 65),
)
const options = { at: 'transformer.h.*.output', ids, shardRows: 48 } as const

withRedis(`workers make the shards that one process makes, also while they and Redis are killed`, async t => {
  t.timeout(600_000)
  const alone = join(folder, 'alone')
  await harvest(model, { ...options, edit, out: alone })
  const queue = queueAt('kills')
  const out = join(folder, 'together')
  let isOver = false
  const done = harvest(model, { ...options, edit, out, queue, attempts: 10 }).finally(() => {
    isOver = true
  })
  let running = [startWorker(queue), startWorker(queue)]
  let kill = 0
  for (; kill < KILLS && !isOver; kill++) {
    await wait(300 + Math.random() * 1500)
    if (kill % 3 === 2) {
      await redis.kill()
      await redis.start()
    } else {
      await end(running[0], 'SIGKILL')
      running = [running[1], startWorker(queue)]
    }
  }
  const found = await done
  t.log(`${kill} kills`)
  t.true(found.index.complete)
  t.is(found.rows, ids.flat().length)
  t.is(await rowHash(out), await rowHash(alone))
  for (const worker of running) await end(worker, 'SIGTERM')
})

withRedis(`a sweep by workers has the rows of one here; failures are rows, and none runs twice`, async t => {
  const queue = queueAt('sweep')
  const plain = {
    model,
    over: { layer: [0, 1, 2, 9], strength: [0, 2] },
    inputs: [[18, 47, 56, 57]],
    edit(m: Model, { layer, strength }: { readonly layer: number; readonly strength: number }): void {
      const mlp = m.module(`transformer.h.${layer}.mlp`)
      mlp.output = (mlp.output as Tensor).mul(strength)
    },
    measure: (m: Model) => (m.module('lm_head').output as Tensor).max(),
  }
  const worker = startWorker(queue)
  const [here, there] = [await sweep(plain), await sweep({ ...plain, queue, out: join(folder, 'sweep.csv') })]
  const plainly = (rows: typeof here.rows) =>
    rows.map(({ index, point, values, error }) => ({ index, point, values, error }))
  t.deepEqual(plainly(there.rows), plainly(here.rows))
  t.is(there.failures.length, 2)
  await end(worker, 'SIGTERM')
  t.is(worker.exitCode, 0)
})

withRedis(`jobs that fail as often as they may are dead letters, which can be put back`, async t => {
  const queue = queueAt('dead')
  const status = async (action: string) => {
    const { code, stdout, stderr } = await onnsight(['queue', action, '--queue', queue, '--json'])
    t.is(code, 0, stderr)
    return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Readonly<Record<string, unknown>>
  }
  const later = join(folder, 'later.onnx')
  const graph = await model.record([[1, 2]], m => (m.module('lm_head').output as Tensor).max())
  const sha256 = createHash('sha256').update(readFileSync(MODEL)).digest('hex')
  const jobs = await JobQueue.open(queue)
  t.like(await status('pause'), { paused: true })
  await jobs.add({ id: 'one', kind: 'point', data: { model: { sha256, source: later }, graph } }, { attempts: 2 })
  await jobs.add({ id: 'two', kind: 'point', data: { model: { sha256, source: later }, graph } })
  t.like(await status('drain'), { waiting: 0 })
  await jobs.add({ id: 'one', kind: 'point', data: { model: { sha256, source: later }, graph } }, { attempts: 2 })
  await jobs.add({ id: 'one', kind: 'point', data: { model: { sha256, source: later }, graph } }, { attempts: 2 })
  t.like(await status('resume'), { paused: false, waiting: 1 })
  const worker = startWorker(queue, ['--memory', '1MB'], [])
  while ((await jobs.state('one')).state !== 'dead') await wait(50)
  const { deadLetters } = await status('status')
  t.like((deadLetters as object[])[0], { id: 'one', kind: 'point', attempts: 2 })
  t.regex((deadLetters as { reason: string }[])[0].reason, /later\.onnx is not on this worker/)
  copyFileSync(MODEL, later)
  const ended = once(worker, 'exit')
  t.like(await status('retry'), { dead: 0 })
  // It ends after its job, because it takes more memory than it may.
  t.deepEqual(await ended, [0, null])
  t.like(await jobs.state('one'), { state: 'done' })
  await jobs.close()
})

withRedis(`a worker does not take another file for the model of a job`, async t => {
  const jobs = await JobQueue.open(queueAt('other'))
  const graph = await model.record([[1, 2]], m => (m.module('lm_head').output as Tensor).max())
  const source = resolve('test/fixtures/models/induction.onnx')
  await jobs.add(
    { id: 'a', kind: 'point', data: { model: { sha256: 'f'.repeat(64), source }, graph } },
    { attempts: 1 },
  )
  const worker = startWorker(queueAt('other'))
  let state = await jobs.state('a')
  for (; state.state !== 'dead'; state = await jobs.state('a')) await wait(50)
  t.regex(state.reason, /is another model here/)
  await jobs.close()
  await end(worker, 'SIGTERM')
})

withRedis('workers on one machine share its cores', async t => {
  for (const [workers, cores, own, due] of [
    [1, 8, 8, 8],
    [3, 8, 8, 2],
    [9, 8, 8, 1],
    // In a container that may use two cores.
    [3, 8, 2, 2],
  ])
    t.is(threadsOf(workers, cores, own), due)
  const queue = queueAt('cores')
  const others = Array.from({ length: 3 }, () => startWorker(queue))
  const jobs = await JobQueue.open(queue)
  while ((await jobs.workersNamed(machineName())) < 3) await wait(20)
  t.is(await jobs.workersNamed('another'), 0)
  const told: unknown[] = []
  const worker = await startHere({
    queue,
    models: [MODEL],
    modelFolder: folder,
    onThreads: share => told.push(share),
  })
  for (const other of others) await end(other, 'SIGTERM')
  const graph = await model.record([[1, 2]], m => (m.module('lm_head').output as Tensor).max())
  const sha256 = createHash('sha256').update(readFileSync(MODEL)).digest('hex')
  await jobs.add({ id: 'a', kind: 'point', data: { model: { sha256, source: '' }, graph } })
  while ((await jobs.state('a')).state !== 'done') await wait(20)
  t.deepEqual(told, [{ threads: availableParallelism(), workers: 1 }])
  await worker.close()
  await jobs.close()
})

withRedis('jobs of a smaller number come first, and a worker takes no more in a second than its rate', async t => {
  const queue = queueAt('order')
  const jobs = await JobQueue.open(queue)
  const graph = await model.record([[1, 2]], m => (m.module('lm_head').output as Tensor).max())
  const sha256 = createHash('sha256').update(readFileSync(MODEL)).digest('hex')
  for (const priority of [3, 1, undefined, 2, 9])
    await jobs.add({ id: `p${priority}`, kind: 'point', data: { model: { sha256, source: '' }, graph } }, { priority })
  const done: string[] = []
  const start = performance.now()
  const options = { queue, models: [MODEL], modelFolder: folder, rate: 2 }
  const worker = await startHere({ ...options, onJob: ({ id }) => done.push(id) })
  while (done.length < 5) await wait(20)
  // Two at once, two after a second, and the last after another.
  t.true(performance.now() - start > 1900)
  t.deepEqual(done, ['pundefined', 'p1', 'p2', 'p3', 'p9'])
  await worker.close()
  await jobs.close()
})

withRedis('each worker keeps to its own rate, and leaves to others what it may not start', async t => {
  const queue = queueAt('rate')
  const jobs = await JobQueue.open(queue)
  const add = pointsInto(jobs)
  for (const id of ['a', 'b', 'c', 'd']) await add(id)
  const done: string[] = []
  // One job each in a thousand seconds.
  const slow = { queue, models: [MODEL], modelFolder: folder, rate: 0.001 }
  const workers = await Promise.all(
    ['x', 'y'].map(name => startHere({ ...slow, onJob: ({ id }) => done.push(`${name}${id}`) })),
  )
  while (done.length < 2) await wait(20)
  await wait(200)
  t.deepEqual(done.map(([worker]) => worker).sort(), ['x', 'y'])
  t.like(await jobs.status(), { waiting: 2, active: 0, done: 2 })
  // One without a rate takes what they leave.
  const third = await startHere({ ...slow, rate: 1000, onJob: ({ id }) => done.push(`z${id}`) })
  while (done.length < 4) await wait(20)
  t.deepEqual(done.slice(2), ['zc', 'zd'])
  for (const worker of [...workers, third]) await worker.close()
  await jobs.close()
})

withRedis('a queue keeps all its workers to one rate, until that is taken away', async t => {
  const queue = queueAt('limit')
  const jobs = await JobQueue.open(queue)
  const add = pointsInto(jobs)
  const limit = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await onnsight(['queue', 'limit', '--queue', queue, '--json', ...args])
    t.is(code, 0, stderr)
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>
  }
  t.like(await limit('--rate', '0.001'), { rate: 0.001 })
  const done: string[] = []
  const options = { queue, models: [MODEL], modelFolder: folder, onJob: ({ id }: { id: string }) => done.push(id) }
  const workers = await Promise.all([startHere(options), startHere(options)])
  for (const id of ['a', 'b', 'c']) await add(id)
  while (done.length < 1) await wait(20)
  await wait(200)
  t.deepEqual(done, ['a'])
  t.like(await limit(), { rate: null, waiting: 2 })
  while (done.length < 3) await wait(20)
  for (const worker of workers) await worker.close()
  await jobs.close()
  const { code, stderr } = await onnsight(['queue', 'status', '--queue', queue, '--rate', '3'])
  t.is(code, 2)
  t.regex(stderr, /--rate is for limit/)
})

withRedis('a worker that takes too much memory does not free the model of a job that runs', async t => {
  const queue = queueAt('memory')
  const jobs = await JobQueue.open(queue)
  const add = pointsInto(jobs)
  await jobs.pause()
  // Many batches in one shard, and each is a moment at which the model could be gone.
  const documents = Array.from({ length: 200 }, (_, d) => Array.from({ length: 48 }, (_, p) => (d + p) % 65))
  const out = join(folder, 'memory')
  const stored = harvest(model, { at: 'transformer.h.0.output', ids: documents, batchSize: 48, out, queue })
  while ((await jobs.status()).waiting < 1) await wait(20)
  await add('short')
  await jobs.resume()
  const ended: unknown[] = []
  const onJob = ({ kind, error }: { kind: string; error?: string }) => ended.push([kind, error])
  const worker = await startHere({ queue, models: [MODEL], modelFolder: folder, concurrency: 2, memory: 1, onJob })
  t.is(await worker.ended, 'memory')
  t.is((await stored).rows, 200 * 48)
  t.deepEqual(ended, [
    ['point', undefined],
    ['shard', undefined],
  ])
  await jobs.close()
})

test('what is no address of Redis is refused', async t => {
  const error = await t.throwsAsync(harvest(model, { ...options, out: join(folder, 'x'), queue: 'http://localhost' }))
  t.like(error, { code: 'queue' })
  const { code, stderr } = await onnsight(['queue', 'status', '--queue', 'nowhere'])
  t.is(code, 1)
  t.regex(stderr, /no address of Redis/)
})

withRedis('a worker that is told to end does so while Redis is away', async t => {
  const own = mkdtempSync(join(folder, 'away-'))
  const gone = await Redis.start(own)
  const worker = startWorker(gone.url)
  const jobs = await JobQueue.open(gone.url)
  while ((await jobs.status()).workers === 0) await wait(20)
  await jobs.close()
  await gone.kill()
  await end(worker, 'SIGTERM')
  t.is(worker.exitCode, 0)
})
