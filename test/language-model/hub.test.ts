import { lstatSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LanguageModel, load } from 'onnsight'
import { near } from '../near.ts'
import { filesBelow, serveHub } from './hub.ts'

const folder = 'test/fixtures/models/verse'
const commit = 'a'.repeat(40)
const id = 'poets/verse'
const text = 'ROMEO:\nWhat light'
const local = await LanguageModel.load(folder, { dtype: 'q4' })
const { logits } = await local.run(text)
test.after.always(() => local.release())

const newCache = () => mkdtempSync(join(tmpdir(), 'onnsight-hub-'))

test('a model of the hub is downloaded into its cache: what is needed, with progress in bytes', async t => {
  const hub = await serveHub({ id, commit, files: filesBelow(folder) })
  const hubCache = newCache()
  const progress: (readonly [number, number])[] = []
  const onProgress = (done: number, total: number, what: string) => {
    if (what === 'downloaded') progress.push([done, total])
  }
  const options = { endpoint: hub.url, hubCache, dtype: 'q4' } as const
  const model = await LanguageModel.load(id, { ...options, onProgress })
  t.true(near((await model.run(text)).logits, logits, 0))
  const snapshot = join(hubCache, 'models--poets--verse/snapshots', commit)
  t.deepEqual(readdirSync(join(snapshot, 'onnx')), ['model_q4.onnx'])
  t.true(lstatSync(join(snapshot, 'onnx/model_q4.onnx')).isSymbolicLink())
  t.is(readFileSync(join(hubCache, 'models--poets--verse/refs/main'), 'utf8'), commit)
  const [done, total] = progress.at(-1)!
  t.is(done, total)
  t.is(
    total,
    [...readdirSync(join(hubCache, 'models--poets--verse/blobs'))].reduce(
      (sum, blob) => sum + readFileSync(join(hubCache, 'models--poets--verse/blobs', blob)).length,
      0,
    ),
  )
  t.true(progress.every(([bytes], i) => i === 0 || bytes >= progress[i - 1][0]))
  t.false(hub.requests.some(request => request.endsWith('model.onnx')))
  await model.release()

  // The second time, nothing is downloaded.
  hub.requests.length = 0
  await (await LanguageModel.load(id, options)).release()
  t.false(hub.requests.some(request => request.includes('/resolve/')))
  // A commit that is in the cache needs no request at all.
  hub.requests.length = 0
  await (await LanguageModel.load(id, { ...options, revision: commit })).release()
  t.deepEqual(hub.requests, [])
  await hub.close()

  // The model is loaded without a connection, offline, and by the folder of the cache.
  await (await LanguageModel.load(id, options)).release()
  await (await LanguageModel.load(id, { ...options, offline: true })).release()
  for (const path of [snapshot, join(hubCache, 'models--poets--verse')]) {
    const model = await LanguageModel.load(path)
    t.true(near((await model.run(text)).logits, logits, 0))
    await model.release()
  }
})

test('weights in a file of their own are found through the links of the cache', async t => {
  const chars = 'test/fixtures/models/chars-external.onnx'
  const files = {
    'onnx/chars-external.onnx': chars,
    'onnx/chars-external.onnx.data': `${chars}.data`,
    'tokenizer.json': 'test/fixtures/models/chars.vocab.json',
  }
  const hub = await serveHub({ id, commit, files })
  const [model, plain] = [
    await LanguageModel.load(id, { endpoint: hub.url, hubCache: newCache() }),
    await load('test/fixtures/models/chars.onnx'),
  ]
  t.true(near((await model.run('Firs')).logits, (await plain.run([[18, 47, 56, 57]])).logits, 1e-6))
  await model.release()
  await plain.release()
  await hub.close()
})

test('a private model needs its token, and errors say what to do', async t => {
  const hub = await serveHub({ id, commit, files: filesBelow(folder), token: 'hf_secret' })
  const options = { endpoint: hub.url, hubCache: newCache(), dtype: 'q4' } as const
  const model = await LanguageModel.load(id, { ...options, token: 'hf_secret' })
  t.true(near((await model.run(text)).logits, logits, 0))
  await model.release()
  const other = { ...options, hubCache: newCache() }
  await t.throwsAsync(LanguageModel.load(id, other), { code: 'hub', message: /private or gated[\s\S]*token/ })
  await t.throwsAsync(LanguageModel.load('poets/prose', other), { code: 'hub', message: /no model poets\/prose/ })
  await t.throwsAsync(LanguageModel.load(id, { ...other, token: 'hf_secret', revision: 'v2' }), {
    code: 'hub',
    message: /revision v2/,
  })
  await t.throwsAsync(LanguageModel.load(id, { ...other, token: 'hf_secret', dtype: 'bnb4' }), {
    code: 'language-model',
    message: /no model of dtype bnb4[\s\S]*'fp32' or 'fp16' or 'int8' or 'q4'/,
  })
  await t.throwsAsync(LanguageModel.load(id, { ...other, offline: true }), {
    code: 'hub',
    message: /not in the cache[\s\S]*offline/,
  })
  await hub.close()
  await t.throwsAsync(LanguageModel.load(id, other), { code: 'hub', message: /no connection/ })
  const signal = AbortSignal.abort(new Error('enough'))
  await t.throwsAsync(LanguageModel.load(id, { ...other, signal }), { message: 'enough' })
})
