import { createHash } from 'node:crypto'
import { access, chmod, cp, mkdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { load, type Model, OnnsightError, type SaveOptions, zeros } from 'onnsight'
import { replaceFiles } from '#dist/runtime/onnx/files/replace-files.js'
import { namesIn, temporaryFolder } from './written.ts'

const chars = 'test/fixtures/models/chars.onnx'
const external = 'test/fixtures/models/chars-external.onnx'
const inputs = { input_ids: [[18, 47, 56, 57]] }

async function loaded(t: ExecutionContext, path: string): Promise<Model> {
  const model = await load(path, { blocks: 1 })
  t.teardown(() => model.release())
  return model
}

async function logits(model: Model): Promise<unknown> {
  return Object.values(await model.run(inputs))[0].tolist()
}

async function hashOf(path: string): Promise<string> {
  if ((await stat(path)).isDirectory()) return 'folder'
  return createHash('sha1')
    .update(await readFile(path))
    .digest('hex')
}

/** Checks that save throws an error with a fitting cause and fix, and that the folder's files are the same as before. */
async function isRefused(
  t: ExecutionContext,
  model: Model,
  path: string,
  { code, message, options, folder }: { code: string; message: RegExp; options?: SaveOptions; folder: string },
): Promise<void> {
  const contents = async (): Promise<unknown[]> =>
    Promise.all((await namesIn(folder)).map(async name => [name, await hashOf(join(folder, name))]))
  const before = await contents()
  const error = await t.throwsAsync(model.save(path, options), { instanceOf: OnnsightError, message })
  t.is((error as OnnsightError).code, code)
  t.truthy((error as OnnsightError).fix)
  t.deepEqual(await contents(), before)
}

test('a model that was traced and run is saved as it was read, and gives the same results', async t => {
  const folder = await temporaryFolder(t)
  const model = await loaded(t, external)
  const expected = await logits(model)
  const edited = await model.trace(inputs, m => {
    m.transformer.h[0].output = zeros([1, 4, 128])
    return m.lm_head.output
  })
  t.notDeepEqual(edited.tolist(), expected)
  await model.save(join(folder, 'copy.onnx'))
  t.true((await readFile(join(folder, 'copy.onnx'))).equals(await readFile(external)))
  for (const weights of ['as-read', 'embedded', 'external'] as const) {
    await model.save(join(folder, `${weights}.onnx`), { weights })
    t.deepEqual(await logits(await loaded(t, join(folder, `${weights}.onnx`))), expected, weights)
  }
})

test('an existing model and its data are replaced', async t => {
  const folder = await temporaryFolder(t)
  const target = join(folder, 'model.onnx')
  const [first, second] = [await loaded(t, 'test/fixtures/models/induction.onnx'), await loaded(t, chars)]
  await first.save(target, { weights: 'external' })
  await second.save(target, { weights: 'external' })
  t.deepEqual(await namesIn(folder), ['model.onnx', 'model.onnx.data'])
  t.deepEqual(await logits(await loaded(t, target)), await logits(second))
})

test('places that can’t be written', async t => {
  const folder = await temporaryFolder(t)
  const model = await loaded(t, chars)
  await writeFile(join(folder, 'file'), 'text')
  await mkdir(join(folder, 'there.onnx'))
  const code = 'unwritable-model'
  await isRefused(t, model, join(folder, 'no', 'model.onnx'), { code, message: /its folder is not there/, folder })
  await isRefused(t, model, join(folder, 'file', 'model.onnx'), {
    code,
    message: /a part of its path is a file/,
    folder,
  })
  await isRefused(t, model, join(folder, 'there.onnx'), { code, message: /it is a folder/, folder })
  await isRefused(t, model, folder, { code, message: /it is a folder/, folder })
  await isRefused(t, model, join(folder, `${'long'.repeat(100)}.onnx`), { code, message: /ENAMETOOLONG/, folder })
  const options = { weights: 'inside' } as unknown as SaveOptions
  await isRefused(t, model, join(folder, 'new.onnx'), { code, message: /can't be "inside"/, options, folder })
  if (process.getuid?.() === 0) t.log('Not tested: root may write everywhere.')
  else {
    const closed = await temporaryFolder(t)
    await chmod(closed, 0o500)
    await isRefused(t, model, join(closed, 'model.onnx'), { code, message: /no permission/, folder: closed })
  }
})

test('a signal that aborts before or while writing leaves all as it was', async t => {
  const folder = await temporaryFolder(t)
  const target = join(folder, 'model.onnx')
  const model = await loaded(t, chars)
  await writeFile(target, 'what was there')
  await writeFile(`${target}.data`, 'its weights')
  for (const checks of [1, 2, 3]) {
    const controller = new AbortController()
    const { signal } = controller
    let left = checks
    signal.throwIfAborted = () => {
      if (--left === 0) controller.abort(new Error('enough'))
      AbortSignal.prototype.throwIfAborted.call(signal)
    }
    await t.throwsAsync(model.save(target, { weights: 'external', signal }), { message: 'enough' })
    t.is(left, 0)
    t.deepEqual(await namesIn(folder), ['model.onnx', 'model.onnx.data'])
    t.is(await readFile(target, 'utf8'), 'what was there')
    t.is(await readFile(`${target}.data`, 'utf8'), 'its weights')
  }
})

test('a file that the loaded model reads its weights from is not replaced', async t => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'model.onnx')
  await cp(chars, path)
  await symlink(path, join(folder, 'link.onnx'))
  const model = await loaded(t, path)
  const code = 'unwritable-model'
  const message = /the loaded model reads its weights from it/
  await isRefused(t, model, path, { code, message, folder })
  await isRefused(t, model, join(folder, 'link.onnx'), { code, message, folder })
  await model.save(join(folder, 'kept.onnx'), { weights: 'external' })
  const kept = await loaded(t, join(folder, 'kept.onnx'))
  const options: SaveOptions = { weights: 'external' }
  await isRefused(t, kept, join(folder, 'kept.onnx'), { code, message, options, folder })

  const expected = await logits(kept)
  const data = await stat(join(folder, 'kept.onnx.data'))
  await kept.save(join(folder, 'kept.onnx'))
  t.is((await stat(join(folder, 'kept.onnx.data'))).ino, data.ino, 'as read, its data file is there already')
  t.deepEqual(await logits(kept), expected)
  t.deepEqual(await logits(await loaded(t, join(folder, 'kept.onnx'))), expected)
})

test('a data file that is there already is left if it holds the same bytes, and never replaced', async t => {
  const folder = await temporaryFolder(t)
  const target = join(folder, 'model.onnx')
  const data = join(folder, 'chars-external.onnx.data')
  const model = await loaded(t, external)
  await model.save(target)
  const { ino } = await stat(data)
  await model.save(target)
  t.is((await stat(data)).ino, ino)
  const bytes = await readFile(data)
  bytes[bytes.length - 1] ^= 1
  await writeFile(data, bytes)
  const message = /its weights would go to .*chars-external\.onnx\.data, which exists already/
  await isRefused(t, model, target, { code: 'unwritable-model', message, folder })
  await isRefused(t, model, data, { code: 'unwritable-model', message: /are in a file of that name/, folder })
})

test('weights outside of the model’s folder are not read, whether by ../, by an absolute path or by a link', async t => {
  const folder = await temporaryFolder(t)
  const bytes = (await readFile(external)).toString('latin1')
  await mkdir(join(folder, 'in'))
  await cp(`${external}.data`, join(folder, 'rs-external.onnx.data'))
  const path = join(folder, 'in', 'model.onnx')
  const absolute = `${folder}/${'x'.repeat(40)}`.slice(0, 'chars-external.onnx.data'.length)
  for (const location of ['../rs-external.onnx.data', absolute]) {
    await writeFile(path, Buffer.from(bytes.replaceAll('chars-external.onnx.data', location), 'latin1'))
    const error = (await t.throwsAsync(load(path))) as Error & { code?: string }
    t.is(error.code, 'external-data')
    t.regex(error.message, /outside the model’s folder/)
  }
  await writeFile(path, Buffer.from(bytes, 'latin1'))
  await symlink(join(folder, 'rs-external.onnx.data'), join(folder, 'in', 'chars-external.onnx.data'))
  await t.throwsAsync(load(path), { message: /outside the model’s folder/ })
})

test('weights in a folder below come into such a folder, which is gone again after a failure', async t => {
  const folder = await temporaryFolder(t)
  const moved = (await readFile(external))
    .toString('latin1')
    .replaceAll('chars-external.onnx.data', 'in/below/xternal.onnx.da')
  await mkdir(join(folder, 'from', 'in', 'below'), { recursive: true })
  await mkdir(join(folder, 'to'))
  await cp(`${external}.data`, join(folder, 'from', 'in', 'below', 'xternal.onnx.da'))
  await writeFile(join(folder, 'from', 'model.onnx'), Buffer.from(moved, 'latin1'))
  const model = await loaded(t, join(folder, 'from', 'model.onnx'))
  const controller = new AbortController()
  const { signal } = controller
  let left = 2
  signal.throwIfAborted = () => {
    if (--left === 0) controller.abort()
    AbortSignal.prototype.throwIfAborted.call(signal)
  }
  const stopped = await model.save(join(folder, 'to', 'model.onnx'), { signal }).catch(reason => reason)
  t.is(stopped, signal.reason)
  t.deepEqual(await namesIn(join(folder, 'to')), [])
  await model.save(join(folder, 'to', 'model.onnx'))
  t.deepEqual(await namesIn(join(folder, 'to')), ['in', 'in/below', 'in/below/xternal.onnx.da', 'model.onnx'])
})

test('a source that has changed since, or is gone, is not taken for what it was', async t => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'model.onnx')
  await cp(chars, path)
  const model = await loaded(t, path)
  const target = join(folder, 'out.onnx')
  await utimes(path, 1, 1)
  await isRefused(t, model, target, { code: 'external-data', message: /model\.onnx has changed since/, folder })
  await rename(path, join(folder, 'elsewhere'))
  await isRefused(t, model, target, { code: 'external-data', message: /model\.onnx is gone since/, folder })
})

test('a released model is not saved', async t => {
  const folder = await temporaryFolder(t)
  const model = await load(chars, { blocks: 1 })
  await model.release()
  await isRefused(t, model, join(folder, 'out.onnx'), { code: 'use-after-release', message: /after release/, folder })
})

test('if the last of several files can’t be moved to its place, the others are as they were', async t => {
  const folder = await temporaryFolder(t)
  const [old, fresh, taken] = ['old', 'fresh', 'taken'].map(name => join(folder, name))
  await writeFile(old, 'as it was')
  await mkdir(join(taken, 'full'), { recursive: true })
  const parts = [new TextEncoder().encode('new')]
  await t.throwsAsync(replaceFiles([old, fresh, taken].map(path => ({ path, parts }))))
  t.is(await readFile(old, 'utf8'), 'as it was')
  await t.throwsAsync(access(fresh))
  t.deepEqual(await namesIn(folder), ['old', 'taken', 'taken/full'])
})
