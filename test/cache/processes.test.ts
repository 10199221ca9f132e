import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { load } from 'onnsight'
import * as ort from 'onnxruntime-node'
import { clearTemporaries, temporaryName } from '#dist/runtime/onnx/files/temporaries.js'
import { cachedFile } from '#dist/runtime/onnx/weights-on-disk/cache-folder.js'
import { logitsInChild, startWriter } from './child.ts'
import { chars, namesIn, temporaryFolder } from './model-copies.ts'
import { textFile } from './text-file.ts'

test('four processes that load one model at once get onnxruntime’s logits, and one sidecar stays', async t => {
  const folder = await temporaryFolder(t)
  const printed = await Promise.all(Array.from({ length: 4 }, () => logitsInChild(chars, folder)))
  const session = await ort.InferenceSession.create(chars, { intraOpNumThreads: 1 })
  const ids = new ort.Tensor('int64', BigInt64Array.from([18n, 47n, 56n, 57n, 1n]), [1, 5])
  const { logits } = await session.run({ input_ids: ids })
  await session.release()
  for (const child of printed) t.deepEqual(child.logits, Array.from(logits.data as Float32Array), child.message)
  const names = await namesIn(folder)
  t.is(names.length, 1)
  t.regex(names[0], /^chars\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.weights$/)
})

test('loads at once in one process', async t => {
  const folder = await temporaryFolder(t)
  const models = await Promise.all(Array.from({ length: 3 }, () => load(chars, { threads: 1, cacheFolder: folder })))
  const results = await Promise.all(models.map(model => model.trace([[1, 2]], m => m.lm_head.output)))
  for (const { data } of results) t.deepEqual(data, results[0].data)
  for (const model of models) await model.release()
  t.is((await namesIn(folder)).length, 1)
})

/** Asks for the file while another process writes it. `looked` resolves when the call has seen that the file is not there yet. */
function askFor(folder: string, name: string) {
  const file = textFile(name)
  const state = { writes: 0 }
  let look = (): void => {}
  const looked = new Promise<void>(resolve => {
    look = resolve
  })
  const path = cachedFile(folder, {
    ...file,
    isWhole(found) {
      look()
      return file.isWhole(found)
    },
    async write(...args) {
      state.writes++
      await file.write(...args)
    },
  })
  return { path, looked, state }
}

test('a file that another process is writing is waited for, and not written again', async t => {
  const folder = await temporaryFolder(t)
  const writer = await startWriter(folder, 'a.weights')
  const { path, looked, state } = askFor(folder, 'a.weights')
  await looked
  await writer.finish()
  t.is(await path, join(folder, 'a.weights'))
  t.is(state.writes, 0)
  t.deepEqual(await namesIn(folder), ['a.weights'])
})

test('a process that is killed while it writes: the next one removes what it left, and writes the file', async t => {
  const folder = await temporaryFolder(t)
  const writer = await startWriter(folder, 'a.weights')
  t.regex((await namesIn(folder)).join(), /^a\.weights\.\d+\.[0-9a-f]+\.[0-9a-f]+\.tmp$/)
  const { path, looked, state } = askFor(folder, 'a.weights')
  await looked
  t.is(state.writes, 0)
  await writer.kill()
  await path
  t.is(state.writes, 1)
  t.deepEqual(await namesIn(folder), ['a.weights'])
})

test('load removes what a killed process left for another model', async t => {
  const folder = await temporaryFolder(t)
  const writer = await startWriter(folder, 'other.weights')
  await writer.kill()
  t.is((await namesIn(folder)).length, 1)
  const model = await load(chars, { cacheFolder: folder })
  await model.release()
  t.regex((await namesIn(folder)).join(), /^chars\.[0-9a-f.]+\.weights$/)
})

test('temporary files: one of a process that stands still is not waited for, one of another machine goes after a day', async t => {
  const folder = await temporaryFolder(t)
  const name = temporaryName('a.weights', new Uint8Array(4))
  const foreign = name.replace(/\.[0-9a-f]{8}(?=\.0{8}\.tmp$)/, '.ffffffff')
  const age = (file: string, seconds: number): Promise<void> => {
    const time = new Date(Date.now() - seconds * 1000)
    return utimes(join(folder, file), time, time)
  }
  await writeFile(join(folder, name), '')
  t.true(await clearTemporaries(folder, 'a.weights'))
  t.false(await clearTemporaries(folder, 'b.weights'))
  await age(name, 60)
  t.false(await clearTemporaries(folder, 'a.weights'))
  await writeFile(join(folder, foreign), '')
  t.true(await clearTemporaries(folder, 'a.weights'))
  await age(foreign, 3600)
  t.false(await clearTemporaries(folder, 'a.weights'))
  t.deepEqual(await namesIn(folder), [name, foreign].sort())
  await age(foreign, 25 * 3600)
  t.false(await clearTemporaries(folder, 'a.weights'))
  t.deepEqual(await namesIn(folder), [name])
})

test('a file that is none of ours stays', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'notes.tmp'), 'mine')
  await writeFile(join(folder, 'chars.weights'), 'mine')
  const model = await load(chars, { cacheFolder: folder })
  await model.release()
  const names = await namesIn(folder)
  t.true(names.includes('notes.tmp') && names.includes('chars.weights'))
})
