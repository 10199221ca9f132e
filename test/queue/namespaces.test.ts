import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { load, type Model, type Tensor } from 'onnsight'
import { sweep } from 'onnsight/sweep'
import { JobQueue } from '#dist/queue/queue.js'
import { hasRedis } from './redis.ts'

const MODEL = 'test/fixtures/models/chars.onnx'
const own = process.pid % 10_000
const machines = [`onn${own}a`, `onn${own}b`]
const bridge = `onn${own}s`
const ip = (...args: readonly string[]): boolean => spawnSync('ip', args).status === 0

/** Namespaces are for root alone, on Linux. */
const canDivide = hasRedis && process.getuid?.() === 0 && ip('netns', 'add', machines[0])
const declare = canDivide ? test : test.skip

declare('a sweep over two machines, each with a network of its own', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-namespaces-'))
  const running: ChildProcess[] = []
  t.teardown(async () => {
    for (const child of running) {
      const ended = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGKILL')) await ended
    }
    for (const machine of machines) ip('netns', 'del', machine)
    ip('link', 'del', bridge)
    rmSync(folder, { recursive: true })
  })
  // A network of this test alone: 10.X.Y.0/24.
  const net = `10.${77 + (own % 100)}.${Math.floor(own / 100)}`
  t.true(ip('netns', 'add', machines[1]))
  t.true(ip('link', 'add', bridge, 'type', 'bridge'))
  ip('addr', 'add', `${net}.254/24`, 'dev', bridge)
  ip('link', 'set', bridge, 'up')
  for (const [i, machine] of machines.entries()) {
    t.true(ip('link', 'add', `${machine}p`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', machine))
    ip('link', 'set', `${machine}p`, 'master', bridge, 'up')
    ip('-n', machine, 'addr', 'add', `${net}.${i + 1}/24`, 'dev', 'eth0')
    ip('-n', machine, 'link', 'set', 'eth0', 'up')
  }
  const address = ['--bind', `${net}.254`, '--protected-mode', 'no', '--port', '6379', '--dir', folder]
  running.push(spawn('redis-server', [...address, '--save', ''], { stdio: 'ignore' }))
  const queue = `redis://${net}.254:6379`
  const done = machines.map(() => 0)
  for (const [i, machine] of machines.entries()) {
    const worker = [
      process.execPath,
      'dist/cli/onnsight.js',
      'worker',
      '--queue',
      queue,
      '--models',
      MODEL,
      '--rate',
      '10',
    ]
    const child = spawn('ip', ['netns', 'exec', machine, ...worker], { stdio: ['ignore', 'pipe', 'ignore'] })
    child.stdout.on('data', data => {
      done[i] += String(data).split('done in').length - 1
    })
    running.push(child)
  }
  const jobs = await JobQueue.open(queue)
  while ((await jobs.workers()) < 2) await wait(50)
  const model = await load(MODEL)
  const plain = {
    model,
    over: { layer: [0, 1, 2, 3], strength: [0, 0.5, 1, 2, 3, 4] },
    inputs: [[18, 47, 56, 57]],
    edit(m: Model, { layer, strength }: { readonly layer: number; readonly strength: number }): void {
      const mlp = m.module(`transformer.h.${layer}.mlp`)
      mlp.output = (mlp.output as Tensor).mul(strength)
    },
    measure: (m: Model) => (m.module('lm_head').output as Tensor).max(),
  }
  const [here, there] = [await sweep(plain), await sweep({ ...plain, queue })]
  t.is(there.failures.length, 0)
  for (const [i, { values }] of there.rows.entries())
    t.true(Math.abs((values.value ?? 0) - (here.rows[i].values.value ?? 1)) < 1e-4)
  // Both took part, and each point ran once.
  while (done[0] + done[1] < 24) await wait(20)
  t.is(done[0] + done[1], 24)
  t.true(Math.min(...done) > 0, done.join())
  await jobs.close()
  await model.release()
})
