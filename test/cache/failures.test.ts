import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { chmod, copyFile, rename, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { load, OnnsightError } from 'onnsight'
import { readModel } from '#dist/runtime/onnx/reading/read.js'
import { userCacheFolder } from '#dist/runtime/onnx/weights-on-disk/cache-folder.js'
import { openSidecar } from '#dist/runtime/onnx/weights-on-disk/sidecar.js'
import { logitsInChild } from './child.ts'
import { chars, copyOf, namesIn, temporaryFolder } from './model-copies.ts'

const unlimited = async (): Promise<undefined> => undefined

/** Checks that the message has the folder, the bytes that are needed, and what to do. */
function assertTellsAll(t: ExecutionContext, error: unknown, folder: string, reason: RegExp): void {
  t.true(error instanceof OnnsightError, String(error))
  const { code, message, fix } = error as OnnsightError
  t.is(code, 'cache-folder')
  t.true(message.includes(`The copy of the weights can't be written to the cache folder ${folder}`), message)
  // As much as the weights, and where they are packed up to three times as much while that is done.
  t.regex(message, /The copy needs 3,338,240 (to 10,014,720 )?bytes/)
  t.regex(message, reason)
  t.regex(fix!, /pass another folder as cacheFolder, or leave the option out/)
  t.is(fix!.startsWith('free space there'), /space/.test(message))
}

/** Whether this process may mount its own file systems. If not, the tests that need one are skipped. */
const mayMount = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'onnsight', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
})()
const mounting = mayMount ? test : test.skip

function mountIn(t: ExecutionContext, folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'onnsight', folder])
  t.teardown(() => execFileSync('umount', [folder]))
}

mounting('a file system that is too small is found out before anything is written', async t => {
  const folder = await temporaryFolder(t)
  mountIn(t, folder, '64k')
  assertTellsAll(
    t,
    await t.throwsAsync(load(chars, { cacheFolder: folder })),
    folder,
    /too little space.* 65,536 are free/,
  )
  t.deepEqual(await namesIn(folder), [])
})

mounting('a file system that fills up while the copy is written: nothing of it stays', async t => {
  const folder = await temporaryFolder(t)
  mountIn(t, folder, '1m')
  const error = await t.throwsAsync(openSidecar(await readModel(chars), folder, { freeBytes: unlimited }))
  assertTellsAll(t, error, folder, /no space is left/)
  t.is((error?.cause as NodeJS.ErrnoException | undefined)?.code, 'ENOSPC')
  t.deepEqual(await namesIn(folder), [])
})

mounting('a file system that fills up while onnxruntime packs weights there: nothing of it stays', async t => {
  const folder = await temporaryFolder(t)
  mountIn(t, folder, '4m')
  for (const blocks of [1, undefined]) {
    const error = await t.throwsAsync(load(chars, { cacheFolder: folder, blocks }))
    assertTellsAll(t, error, folder, /no space is left/)
    t.deepEqual(await namesIn(folder), [])
  }
})

mounting('a read-only file system: a sidecar that is there is used, one that is not can’t be written', async t => {
  const folder = await temporaryFolder(t)
  mountIn(t, folder, '12m')
  const model = await load(chars, { cacheFolder: folder })
  await model.release()
  execFileSync('mount', ['-o', 'remount,ro', folder])
  const names = await namesIn(folder)
  const again = await load(chars, { cacheFolder: folder })
  await again.release()
  t.deepEqual(await namesIn(folder), names)
  const other = await copyOf(chars, await temporaryFolder(t))
  assertTellsAll(t, await t.throwsAsync(load(other, { cacheFolder: folder })), folder, /it is read-only/)
})

const limiting = process.platform === 'win32' ? test.skip : test

limiting('a limit that is met while the copy is written: nothing of it stays', async t => {
  const folder = await temporaryFolder(t)
  const { code, message } = await logitsInChild(chars, folder, 1024)
  t.is(code, 'cache-folder', message)
  t.regex(
    message!,
    /its file system does not allow files that large\. The copy needs 3,338,240 to 10,014,720 bytes, and [\d,]+ are free/,
  )
  t.deepEqual(await namesIn(folder), [])
})

test('too few free bytes are found out before anything is written', async t => {
  const folder = await temporaryFolder(t)
  const model = await readModel(chars)
  const error = await t.throwsAsync(openSidecar(model, folder, { freeBytes: async () => 3_338_239 }))
  assertTellsAll(t, error, folder, /too little space is free.* and 3,338,239 are free/)
  t.deepEqual(await namesIn(folder), [])
  await openSidecar(model, folder, { freeBytes: async () => 3_338_240 })
  t.is((await namesIn(folder)).length, 1)
})

test('a cache folder that is a file, or lies below one', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'file')
  await writeFile(file, 'mine')
  assertTellsAll(t, await t.throwsAsync(load(chars, { cacheFolder: file })), file, /it is a file/)
  const below = join(file, 'below')
  assertTellsAll(t, await t.throwsAsync(load(chars, { cacheFolder: below })), below, /a part of its path is a file/)
  t.is((await stat(file)).size, 4)
})

const asUser = process.getuid?.() === 0 || process.platform === 'win32' ? test.skip : test

asUser('a folder without permission to write', async t => {
  const folder = await temporaryFolder(t)
  await chmod(folder, 0o555)
  t.teardown(() => chmodSync(folder, 0o755))
  assertTellsAll(t, await t.throwsAsync(load(chars, { cacheFolder: folder })), folder, /no permission to write/)
})

test('a model that changes while it is copied: nothing of the copy stays', async t => {
  const folder = await temporaryFolder(t)
  const path = await copyOf(chars, folder)
  const model = await readModel(path)
  const cacheFolder = join(folder, 'cache')
  await copyFile('test/fixtures/models/chars-scopes.onnx', join(folder, 'new.onnx'))
  await rename(join(folder, 'new.onnx'), path)
  await t.throwsAsync(openSidecar(model, cacheFolder), { code: 'external-data', message: /has changed since/ })
  t.deepEqual(await namesIn(cacheFolder), [])
})

test('an aborted load leaves nothing in the cache folder', async t => {
  const folder = await temporaryFolder(t)
  const abort = new AbortController()
  const onProgress = (): void => abort.abort(new Error('enough'))
  await t.throwsAsync(load(chars, { cacheFolder: folder, onProgress, signal: abort.signal }), { message: 'enough' })
  t.deepEqual(await namesIn(folder), [])
  const midway = new AbortController()
  const freeBytes = async (): Promise<undefined> => {
    midway.abort(new Error('enough'))
    return undefined
  }
  const model = await readModel(chars)
  const options = { freeBytes, signal: midway.signal }
  await t.throwsAsync(openSidecar(model, folder, options), { message: 'enough' })
  t.deepEqual(await namesIn(folder), [])
})

test('an option that is no folder is refused', async t => {
  for (const cacheFolder of ['', false, 3] as never[]) {
    await t.throwsAsync(load(chars, { cacheFolder }), { code: 'load-option', message: /The option cacheFolder is/ })
  }
})

test('the user’s own cache folder is where the system wants it', async t => {
  t.is(userCacheFolder('linux', {}, '/home/me'), join('/home/me', '.cache', 'onnsight'))
  t.is(userCacheFolder('linux', { XDG_CACHE_HOME: '/big/cache' }, '/home/me'), join('/big/cache', 'onnsight'))
  t.is(userCacheFolder('linux', { XDG_CACHE_HOME: 'relative' }, '/home/me'), join('/home/me', '.cache', 'onnsight'))
  t.is(userCacheFolder('darwin', {}, '/Users/me'), join('/Users/me', 'Library', 'Caches', 'onnsight'))
  t.is(userCacheFolder('win32', { LOCALAPPDATA: 'L' }, 'H'), join('L', 'onnsight', 'Cache'))
  t.is(userCacheFolder('win32', {}, 'H'), join('H', 'AppData', 'Local', 'onnsight', 'Cache'))
})

// On other systems this would be the user’s real folder.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('cacheFolder: true', async t => {
  const folder = await temporaryFolder(t)
  const before = process.env.XDG_CACHE_HOME
  process.env.XDG_CACHE_HOME = join(folder, 'xdg')
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
  })
  const model = await load(chars, { cacheFolder: true })
  await model.release()
  t.is((await namesIn(join(folder, 'xdg', 'onnsight'))).length, 1)
})
