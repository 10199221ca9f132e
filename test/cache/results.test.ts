import { mkdir, open, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { arange, type LoadOptions, load, type Model, type Tensor } from 'onnsight'
import { realFiles } from '../onnx/real-files.ts'
import { chars, copyOf, fixtures, namesIn, temporaryFolder, writeUnaligned } from './model-copies.ts'

const tokens = [[18, 47, 56, 57, 1]]
const bytes = ({ data }: Tensor): Buffer => {
  const { buffer, byteOffset, byteLength } = data as Float32Array
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The unedited logits, and those with a rebuilt block. */
async function logitsOf(model: Model, factor = 0.5): Promise<{ plain: Buffer; edited: Buffer }> {
  const plain = await model.trace(tokens, m => m.lm_head.output)
  const edited = await model.trace(tokens, m => {
    const { mlp } = m.transformer.h[2]
    mlp.act.output = mlp.act.output.mul(factor)
    return m.lm_head.output
  })
  return { plain: bytes(plain), edited: bytes(edited) }
}

async function loadedLogits(path: string, options: LoadOptions = {}): Promise<{ plain: Buffer; edited: Buffer }> {
  const model = await load(path, { threads: 1, ...options })
  const logits = await logitsOf(model)
  await model.release()
  return logits
}

for (const name of ['chars.onnx', 'chars-fp16.onnx', 'chars-external.onnx', 'unaligned external data']) {
  test(`${name}: bit for bit the same with weights from the cache folder`, async t => {
    const folder = await temporaryFolder(t)
    const path = name.endsWith('.onnx') ? join(fixtures, name) : await writeUnaligned(folder)
    const cacheFolder = join(folder, 'cache')
    const expected = await loadedLogits(path)
    t.false(expected.plain.equals(expected.edited))
    for (const time of ['written', 'found']) {
      const found = await loadedLogits(path, { cacheFolder })
      t.true(found.plain.equals(expected.plain), `${time}, unedited`)
      t.true(found.edited.equals(expected.edited), `${time}, rebuilt`)
    }
    t.is((await namesIn(cacheFolder)).length, 1)
  })
}

test('a text recogniser whose weights are Constant nodes: bit for bit the same, rebuilt blocks too', async t => {
  const cacheFolder = await temporaryFolder(t)
  const path = realFiles.find(name => name.endsWith('ch_PP-OCRv4_rec_infer.onnx'))!
  const x = await arange(3 * 48 * 64)
    .to('float32')
    .sin()
    .reshape([1, 3, 48, 64])
    .value()
  const results: Buffer[] = []
  for (const options of [{}, { cacheFolder }]) {
    const model = await load(path, { threads: 1, ...options })
    const [{ name }] = model.signature.outputs
    results.push(bytes((await model.run({ x }))[name]))
    const edited = await model.trace({ x }, m => {
      m.node('p2o.Conv.20').output = m.node('p2o.Conv.20').output.mul(0.5)
      return m.tensor(name)
    })
    results.push(bytes(edited))
    await model.release()
  }
  const [plain, edited, plainCached, editedCached] = results
  t.false(plain.equals(edited))
  t.true(plain.equals(plainCached))
  t.true(edited.equals(editedCached))
  const [sidecar] = await namesIn(cacheFolder)
  t.true((await stat(join(cacheFolder, sidecar))).size > 0.9 * (await stat(path)).size)
})

/** Overwrites the second half of the weights with zeros. */
async function damage(path: string): Promise<void> {
  const half = Math.floor((await stat(path)).size / 2)
  const handle = await open(path, 'r+')
  await handle.write(new Uint8Array(half), 0, half, half)
  await handle.close()
}

const damages: Record<string, (path: string) => Promise<void>> = {
  'other weights': damage,
  'its end missing': async path => truncate(path, (await stat(path)).size - 4096),
  'another header': async path => {
    const { atime, mtime } = await stat(path)
    const handle = await open(path, 'r+')
    await handle.write('onnsight weights 0', 0)
    await handle.close()
    await utimes(path, atime, mtime)
  },
  'nothing in it': path => writeFile(path, ''),
}

for (const [what, change] of Object.entries(damages)) {
  test(`a sidecar with ${what} is written anew`, async t => {
    const folder = await temporaryFolder(t)
    const expected = await loadedLogits(chars, { cacheFolder: folder })
    const names = await namesIn(folder)
    const path = join(folder, names[0])
    const { size, ino } = await stat(path)
    await change(path)
    const found = await loadedLogits(chars, { cacheFolder: folder })
    t.true(found.plain.equals(expected.plain))
    t.true(found.edited.equals(expected.edited))
    t.deepEqual(await namesIn(folder), names)
    const after = await stat(path)
    t.is(after.size, size)
    t.not(after.ino, ino)
  })
}

test('a sidecar that is whole is used as it is', async t => {
  const folder = await temporaryFolder(t)
  await loadedLogits(chars, { cacheFolder: folder })
  const [name] = await namesIn(folder)
  const { ino } = await stat(join(folder, name))
  await loadedLogits(chars, { cacheFolder: folder })
  t.is((await stat(join(folder, name))).ino, ino)
})

test('another model under the same path gets another sidecar, and the one before goes', async t => {
  const folder = await temporaryFolder(t)
  const cacheFolder = join(folder, 'cache')
  const path = await copyOf(chars, folder)
  await loadedLogits(path, { cacheFolder })
  const before = await namesIn(cacheFolder)
  await copyOf(join(fixtures, 'chars-fp16.onnx'), folder)
  const expected = await loadedLogits(path)
  const found = await loadedLogits(path, { cacheFolder })
  t.true(found.plain.equals(expected.plain))
  const after = await namesIn(cacheFolder)
  t.is(after.length, 1)
  t.notDeepEqual(after, before)
})

test('paths that lead to one file share its sidecar', async t => {
  const folder = await temporaryFolder(t)
  const cacheFolder = join(folder, 'cache')
  const path = await copyOf(chars, folder)
  await mkdir(join(folder, 'snapshot'))
  await symlink(join('..', 'model.onnx'), join(folder, 'snapshot', 'other.onnx'))
  await loadedLogits(path, { cacheFolder })
  await loadedLogits(join(folder, 'snapshot', 'other.onnx'), { cacheFolder })
  t.is((await namesIn(cacheFolder)).length, 1)
})

test('a cache folder behind a symlink', async t => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'real'))
  await symlink('real', join(folder, 'link'))
  await loadedLogits(chars, { cacheFolder: join(folder, 'link') })
  t.is((await namesIn(join(folder, 'real'))).length, 1)
})

test('a cache that is cleared while a model is loaded: traces go on, old ones and new ones', async t => {
  const folder = await temporaryFolder(t)
  const cacheFolder = join(folder, 'cache')
  const [plain, cached] = [await load(chars, { threads: 1 }), await load(chars, { threads: 1, cacheFolder })]
  const before = await logitsOf(cached)
  await rm(cacheFolder, { recursive: true })
  const known = await logitsOf(cached)
  t.true(known.plain.equals(before.plain))
  t.true(known.edited.equals(before.edited))
  // These blocks were not rebuilt before.
  for (let layer = 0; layer < 4; layer++) {
    const [expected, found] = await Promise.all(
      [plain, cached].map(model =>
        model.trace(tokens, m => {
          const { mlp } = m.transformer.h[layer]
          mlp.act.output = mlp.act.output.tanh()
          return m.lm_head.output
        }),
      ),
    )
    t.true(bytes(found).equals(bytes(expected)), `layer ${layer}`)
    t.false(bytes(found).equals(before.plain))
  }
  await plain.release()
  await cached.release()
})
