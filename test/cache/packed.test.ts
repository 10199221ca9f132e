import { open, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type LoadOptions, load } from 'onnsight'
import { packBlocks } from '#dist/runtime/model/pack-blocks.js'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { openSidecar } from '#dist/runtime/onnx/weights-on-disk/sidecar.js'
import { readIndex } from '#dist/runtime/onnx/weights-on-disk/sidecar-index.js'
import { memoryInChild } from './child.ts'
import { chars, fixtures, namesIn, temporaryFolder } from './model-copies.ts'
import { writeWide } from './wide-model.ts'

/** The logits of a model that is loaded for them. */
async function logitsOf(path: string, options: LoadOptions): Promise<Float32Array> {
  const model = await load(path, { threads: 1, ...options })
  const { data } = await model.trace([[18, 47, 56, 57, 1]], m => m.lm_head.output)
  await model.release()
  return data as Float32Array
}

async function sidecarIn(folder: string) {
  const [name] = await namesIn(folder)
  const path = join(folder, name)
  const handle = await open(path)
  const { size, mtime, atime } = await handle.stat()
  const index = await readIndex(handle, size)
  await handle.close()
  return { path, index: index!, size, mtime, atime }
}

/** Writes zeros over a part of the sidecar, and gives it its date back, so that it is taken for whole. */
async function blank(folder: string, start: number, end: number): Promise<void> {
  const { path, mtime, atime } = await sidecarIn(folder)
  const handle = await open(path, 'r+')
  await handle.write(new Uint8Array(end - start), 0, end - start, start)
  await handle.close()
  await utimes(path, atime, mtime)
}

for (const part of ['packed weights', 'weights'] as const) {
  test(`sessions take ${part} from the sidecar: what stands there decides`, async t => {
    const folder = await temporaryFolder(t)
    const expected = await logitsOf(chars, { cacheFolder: folder })
    const { index, size } = await sidecarIn(folder)
    const [first] = index.packed[0].parts[0]
    if (part === 'weights') await blank(folder, index.payloadsAt!, size - 64 * 1024)
    else await blank(folder, first, index.payloadsAt!)
    t.notDeepEqual(await logitsOf(chars, { cacheFolder: folder }), expected)
  })
}

test('each matrix that a product multiplies by is packed once', async t => {
  const folder = await temporaryFolder(t)
  await logitsOf(chars, { cacheFolder: folder })
  const { packed } = (await sidecarIn(folder)).index
  // Four blocks with four matrices each, and the head.
  t.is(packed.length, 17)
  t.is(new Set(packed.map(({ payload }) => payload)).size, 17)
  for (const { key } of packed) t.regex(key, /^(MatMul|Gemm)\+\d+$/)
})

test('packed weights of other groups, with another level of optimisation give the same logits', async t => {
  const folder = await temporaryFolder(t)
  await logitsOf(chars, { cacheFolder: folder })
  const before = await sidecarIn(folder)
  for (const options of [{ blocks: 1 }, { groupBytes: 0 }, { optimization: 'basic' }] as const)
    t.deepEqual(await logitsOf(chars, { ...options, cacheFolder: folder }), await logitsOf(chars, options))
  t.deepEqual(await sidecarIn(folder), before)
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('the packed weights are not in the memory of the process', async t => {
  const folder = await temporaryFolder(t)
  const { path, bytes } = await writeWide(folder)
  const cacheFolder = join(folder, 'cache')
  const without = await memoryInChild(path)
  const [written, found] = [await memoryInChild(path, cacheFolder), await memoryInChild(path, cacheFolder)]
  t.deepEqual(written.y, without.y)
  t.deepEqual(found.y, without.y)
  t.true(without.memory - found.memory > 0.6 * bytes, `${found.memory} bytes of ${without.memory}, weights ${bytes}`)
  // The session of an edited block that runs often has packed weights too.
  t.true(found.edited - found.memory < 0.3 * bytes, `${found.edited} bytes after an edit`)
})

test('a sidecar of an earlier onnxruntime goes, one of another processor stays', async t => {
  const folder = await temporaryFolder(t)
  const model = await readModel(chars)
  const write = (processor: string, version: string) =>
    openSidecar(model, folder, { packing: { packer: { processor, version }, async *pack() {} } })
  await write('one', '1.29')
  const [first] = await namesIn(folder)
  await write('two', '1.29')
  const both = await namesIn(folder)
  t.is(both.length, 2)
  await write('one', '1.30')
  const later = await namesIn(folder)
  t.is(later.length, 2)
  t.false(later.includes(first))
  t.true(both.filter(name => name !== first).every(name => later.includes(name)))
})

test('a model whose weights are aligned and not packed has no copy', async t => {
  const folder = await temporaryFolder(t)
  const model = await readModel(join(fixtures, 'chars-external.onnx'))
  const packer = { processor: 'one', version: '1.30' }
  t.is(await openSidecar(model, folder, { packing: { packer, async *pack() {} } }), undefined)
  t.true((await sidecarIn(folder)).size < 0.01 * 3_292_160)
})

test('a block that onnxruntime can’t save has no packed weights', async t => {
  const folder = await temporaryFolder(t)
  await logitsOf(chars, { cacheFolder: folder })
  const failing = { blocks: [{}], externalBytes: () => 1, partModel: () => ({}) }
  const packer = { processor: 'one', version: '1.30' }
  const save = () => Promise.reject(new Error('It has no form to save.'))
  const packing = packBlocks(failing as never, { packer, save })
  const sidecar = await openSidecar(await readModel(chars), folder, { packing })
  const tensor = (await readModel(chars)).message.graph!.initializer[0]
  t.deepEqual(sidecar?.packedOf(tensor), [])
  t.not(sidecar?.offsetOf(tensor), undefined)
})
