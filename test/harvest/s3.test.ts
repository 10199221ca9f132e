import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import { harvest, openHarvest } from 'onnsight/harvest'
import S3rver from 's3rver'
import { onnsight } from '../cli/spawn.ts'
import { rowHash } from './row-hash.ts'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-s3-'))
const server = new S3rver({
  port: 0,
  address: '127.0.0.1',
  silent: true,
  directory: join(folder, 's3'),
  configureBuckets: [{ name: 'activations', configs: [] }],
})
test.before(async () => {
  const { port } = await server.run()
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_REGION: 'us-east-1',
  })
})
test.after.always(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const ids = Array.from({ length: 12 }, (_, d) => Array.from({ length: 6 }, (_, p) => (d + p * p) % 65))

test('a harvest in an object store has the rows of one in a folder, and goes on there', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const options = { at: 'transformer.h.*.output', ids, shardRows: 12 }
  const here = join(folder, 'here')
  await harvest(model, { ...options, out: here })
  const out = 's3://activations/chars/residual'
  const first = await harvest(model, { ...options, out, limit: 6 })
  t.is(first.rows, 36)
  const whole = await harvest(model, { ...options, out })
  t.is(whole.index.shards.length, 6)
  t.is(await rowHash(out), await rowHash(here))
  t.is((await (await openHarvest(out)).statistics())['transformer.h.1.output'].count, 72)
  const { code, stdout, stderr } = await onnsight([
    ...['harvest', 'test/fixtures/models/chars.onnx', '--at', 'transformer.h.0.output', '--tensors', 'none'],
    ...['--out', 's3://missing-bucket/x'],
  ])
  t.is(code, 1, stdout)
  t.regex(stderr, /Do this: /)
  await model.release()
})

test('a bucket that is not there, and what is no bucket, are refused', async t => {
  const model = await load('test/fixtures/models/chars.onnx')
  const at = 'transformer.h.0.output'
  t.like(await t.throwsAsync(harvest(model, { at, ids, out: 's3://not-there/x' })), { code: 'harvest' })
  t.like(await t.throwsAsync(harvest(model, { at, ids, out: 's3://' })), { code: 'harvest' })
  await model.release()
})
