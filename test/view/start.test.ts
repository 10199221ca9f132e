import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { onnsight } from '../cli/spawn.ts'
import { view } from './viewing.ts'

// Tests what `onnsight view` prints, and a model that is removed while it is open.

const chars = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-view-start-'))
const inputs = { input_ids: { json: [[18, 47, 56, 57]] } }
test.after.always(() => rmSync(folder, { recursive: true }))

/** Writes a shell script and returns its path. */
function program(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** Waits until a condition is true. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(done => setTimeout(done, 20))
}

// On Linux without a desktop, the system's opener uses the variable BROWSER.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('--open opens the browser with the whole address', async t => {
  t.timeout(120_000)
  const addressFile = join(folder, 'addressFile')
  const browser = program(
    'browser',
    `printf '%s\\n' "$@" > '${addressFile}.part' && mv '${addressFile}.part' '${addressFile}'`,
  )
  const own = await view([chars, '--open'], { BROWSER: browser, DISPLAY: undefined, WAYLAND_DISPLAY: undefined })
  t.teardown(() => own.end('SIGKILL'))
  await until(() => readable(addressFile))
  t.is(readFileSync(addressFile, 'utf8').trim(), own.url)
  t.is(own.stderr(), '')
})

onLinux('on a machine without an opener the address is printed, the page is served, and a note says so', async t => {
  t.timeout(120_000)
  const bare = mkdtempSync(join(folder, 'bin-'))
  symlinkSync('/bin/sh', join(bare, 'sh'))
  const own = await view([chars, '--open'], {
    PATH: bare,
    BROWSER: undefined,
    DISPLAY: undefined,
    WAYLAND_DISPLAY: undefined,
  })
  t.teardown(() => own.end('SIGKILL'))
  await until(() => own.stderr().includes('Do this:'))
  t.regex(own.stderr(), /^No browser could be opened: .+\n {2}Do this: open the address above yourself\n$/)
  t.is((await fetch(own.url)).status, 200)
  t.is(await own.end(), 0)
})

function readable(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') !== ''
  } catch {
    return false
  }
}

test('a model that can’t be opened is an error with a fix', async t => {
  t.timeout(120_000)
  const garbage = join(folder, 'garbage.onnx')
  writeFileSync(garbage, 'no model at all')
  for (const path of [garbage, join(folder, 'none.onnx')]) {
    const { code, stdout, stderr } = await onnsight(['view', path])
    t.is(code, 1)
    t.is(stdout, '')
    t.true(stderr.includes(path))
    t.regex(stderr, /\n {2}Do this: /)
  }
})

test('a model is removed while it is open: a run that needs it says so, and what to do', async t => {
  t.timeout(120_000)
  const path = join(folder, 'going.onnx')
  copyFileSync(chars, path)
  const own = await view([path])
  t.teardown(() => own.end('SIGKILL'))
  t.is((await own.ask('run', { inputs })).status, 200)
  unlinkSync(path)
  const { status, body } = await own.ask('run', { inputs, template: 'transformer.h[1].mlp.output[:, -1] *= 3' })
  t.is(status, 410)
  t.is(body.code, 'view-model-gone')
  t.true(String(body.message).includes(path))
  t.regex(String(body.fix), /put it back/)
  // When the model is back, runs work again.
  copyFileSync(chars, path)
  const again = await own.ask('run', { inputs, template: 'transformer.h[1].mlp.output[:, -1] *= 2' })
  t.is(again.status, 200, String(again.body.message))
})

test('a model has the same address each time, another model another one, and a second command for it a port of its own', async t => {
  t.timeout(120_000)
  const state = mkdtempSync(join(folder, 'state-'))
  const start = async (path: string) => {
    const own = await view([path], { XDG_STATE_HOME: state })
    t.teardown(() => own.end('SIGKILL'))
    return own
  }
  const first = await start(chars)
  const second = await start(chars)
  t.not(second.url, first.url)
  t.is(new URL(second.url).pathname, new URL(first.url).pathname)
  await first.end()
  t.is((await start(join(process.cwd(), chars))).url, first.url)
  const other = await start('test/fixtures/names/resnet.onnx')
  t.not(new URL(other.url).pathname, new URL(first.url).pathname)
  t.is(statSync(join(state, 'onnsight/view-key')).mode & 0o777, 0o600)
})
