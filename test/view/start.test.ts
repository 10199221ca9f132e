import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { onnsight } from '../cli/spawn.ts'
import { view } from './viewing.ts'

// What `onnsight view` says on the terminal, and of a model that goes away.

const chars = 'test/fixtures/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-view-start-'))
const inputs = { input_ids: { json: [[18, 47, 56, 57]] } }
test.after.always(() => rmSync(folder, { recursive: true }))

/** A program that a test can run. */
function program(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** Waits until something is true. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(done => setTimeout(done, 20))
}

// The opener of Linux asks BROWSER where there is no desktop.
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('--open gives the browser the whole address', async t => {
  t.timeout(120_000)
  const told = join(folder, 'told')
  const browser = program('browser', `printf '%s\\n' "$@" > '${told}.part' && mv '${told}.part' '${told}'`)
  const own = await view([chars, '--open'], { BROWSER: browser, DISPLAY: undefined, WAYLAND_DISPLAY: undefined })
  t.teardown(() => own.end('SIGKILL'))
  await until(() => readable(told))
  t.is(readFileSync(told, 'utf8').trim(), own.url)
  t.is(own.complaints(), '')
})

onLinux('on a machine without an opener the address is said, the page is served, and it is told', async t => {
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
  await until(() => own.complaints().includes('Do this:'))
  t.regex(own.complaints(), /^No browser could be opened: .+\n {2}Do this: open the address above yourself\n$/)
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

test('a model that can’t be opened is told, with what to do', async t => {
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

test('a model that is removed while it is viewed: a run that needs it says so, and what to do', async t => {
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
  // Back in its place it goes on.
  copyFileSync(chars, path)
  const again = await own.ask('run', { inputs, template: 'transformer.h[1].mlp.output[:, -1] *= 2' })
  t.is(again.status, 200, String(again.body.message))
})
