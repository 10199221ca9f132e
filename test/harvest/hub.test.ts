import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { load } from 'onnsight'
import { harvest } from 'onnsight/harvest'
import { serveHub } from '../language-model/hub.ts'
import { rowHash } from './row-hash.ts'

test('documents of a data set of the hub are downloaded once, and read as files here', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-hub-data-'))
  const [one, two, card] = ['one.jsonl', 'two.jsonl.gz', 'README.md'].map(name => join(folder, name))
  const lines = (from: number): string =>
    Array.from({ length: 5 }, (_, d) => JSON.stringify({ input_ids: [from, d, d + 1] })).join('\n')
  writeFileSync(one, lines(7))
  writeFileSync(two, gzipSync(lines(9)))
  writeFileSync(card, '# A data set')
  const commit = 'b'.repeat(40)
  const files = { 'data/one.jsonl': one, 'data/two.jsonl.gz': two, 'README.md': card }
  const hub = await serveHub({ id: 'poets/ids', commit, files, kind: 'datasets', token: 'hf_secret' })
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(folder, 'cache') })
  const model = await load('test/fixtures/models/chars.onnx')
  t.teardown(async () => {
    for (const name of ['HF_ENDPOINT', 'HF_HUB_CACHE', 'HF_TOKEN']) delete process.env[name]
    await Promise.all([hub.close(), model.release()])
    rmSync(folder, { recursive: true })
  })
  const at = 'transformer.h.1.output'
  const ids = 'hf://datasets/poets/ids'
  const refused = await t.throwsAsync(harvest(model, { at, ids, out: join(folder, 'none') }))
  t.like(refused, { code: 'hub' })
  t.regex(refused.message, /HF_TOKEN/)
  process.env.HF_TOKEN = 'hf_secret'
  await harvest(model, { at, ids, out: join(folder, 'all') })
  await harvest(model, { at, ids: [one, two], out: join(folder, 'here') })
  t.is(await rowHash(join(folder, 'all')), await rowHash(join(folder, 'here')))
  t.false(hub.requests.some(request => request.endsWith('README.md')))

  // What is in the cache is not downloaded again; a path names a part, and a revision what it was then.
  hub.requests.length = 0
  const part = await harvest(model, { at, ids: [`${ids}@${commit}/data/one.jsonl`], out: join(folder, 'part') })
  t.is(part.rows, 15)
  t.false(hub.requests.some(request => request.includes('/resolve/')))
  t.like(await t.throwsAsync(harvest(model, { at, ids: `${ids}/other`, out: join(folder, 'x') })), { code: 'hub' })
  t.like(await t.throwsAsync(harvest(model, { at, ids: 'hf://models/a/b', out: join(folder, 'x') })), { code: 'hub' })
})
