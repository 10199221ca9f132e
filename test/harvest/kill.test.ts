import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { openHarvest } from 'onnsight/harvest'
import { onnsight } from '../cli/spawn.ts'
import { rowHash } from './row-hash.ts'

/** How often the harvest is killed: ONNSIGHT_KILLS=50 npx ava test/harvest/kill.test.ts */
const KILLS = Number(process.env.ONNSIGHT_KILLS ?? 2)

const folder = mkdtempSync(join(tmpdir(), 'onnsight-kill-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const shardsIn = (out: string): number =>
  existsSync(out) ? readdirSync(out).filter(name => name.startsWith('shard') && !name.endsWith('.tmp')).length : 0

test(`a harvest that is killed ${KILLS} times has each row exactly once`, async t => {
  t.timeout(600_000)
  const corpus = join(folder, 'corpus.jsonl')
  // Shards of 1.5 MB, as smaller ones are written in another way.
  const rowsPerShard = 768
  const shards = KILLS * 4 + 6
  const ids = Array.from({ length: shards * 24 }, (_, d) => Array.from({ length: 32 }, (_, p) => (d * 3 + p * p) % 65))
  writeFileSync(corpus, ids.map(own => `${JSON.stringify(own)}\n`).join(''))
  const command = (out: string): string[] => [
    ...['harvest', 'test/fixtures/models/chars.onnx', '--at', 'transformer.h.*.output', '--ids', corpus],
    ...['--shard-rows', String(rowsPerShard), '--batch-size', '256', '--out', out, '--json'],
  ]
  const undisturbed = join(folder, 'undisturbed')
  const { code, stderr } = await onnsight(command(undisturbed))
  t.is(code, 0, stderr)
  const disturbed = join(folder, 'disturbed')
  let killed = 0
  while (killed < KILLS) {
    const child = spawn(process.execPath, ['dist/cli/onnsight.js', ...command(disturbed)], { stdio: 'ignore' })
    const ended = new Promise<number | null>(settle => child.on('close', settle))
    const before = shardsIn(disturbed)
    const wanted = 1 + Math.floor(Math.random() * 3)
    let isOver = false
    ended.then(() => {
      isOver = true
    })
    while (!isOver && shardsIn(disturbed) < before + wanted) await wait(2)
    await wait(Math.random() * 20)
    child.kill('SIGKILL')
    if ((await ended) === 0) break
    killed++
  }
  t.true(killed >= KILLS / 2, `${killed} kills`)
  const last = await onnsight(command(disturbed))
  t.is(last.code, 0, last.stderr)
  const found = await openHarvest(disturbed)
  t.true(found.index.complete)
  t.is(found.rows, ids.flat().length)
  t.is(await rowHash(disturbed), await rowHash(undisturbed))
  t.false(readdirSync(disturbed).some(name => name.endsWith('.tmp')))
})
