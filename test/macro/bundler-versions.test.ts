import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import rollup from '#dist/macro/bundlers/rollup.js'
import vite from '#dist/macro/bundlers/vite.js'

const folder = mkdtempSync(join(tmpdir(), 'onnsight-vite-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** Calls the plugin as Vite does when it has read the configuration of a project that has this version of Vite. */
function resolveWith(version: string): void {
  const root = join(folder, version)
  mkdirSync(join(root, 'node_modules/vite'), { recursive: true })
  writeFileSync(join(root, 'node_modules/vite/package.json'), JSON.stringify({ name: 'vite', version }))
  const { configResolved } = [vite()].flat()[0] as unknown as { configResolved(config: { root: string }): void }
  configResolved({ root })
}

test.serial('a Vite that is too old is refused by its version, before it reads a file', t => {
  const { message } = t.throws(() => resolveWith('3.0.0'))
  t.regex(
    message,
    /onnsight\/vite needs vite 3\.2 or newer, and this is 3\.0\.0\.\n {2}Do this: npm install --save-dev vite@/,
  )
  for (const version of ['3.2.0', '8.0.0-beta.1', '10.0.0']) t.notThrows(() => resolveWith(version))
})

test('so is a Rollup', t => {
  const { buildStart } = [rollup()].flat()[0] as unknown as { buildStart(this: object): void }
  const start = (rollupVersion: string) => () => buildStart.call({ meta: { rollupVersion } })
  t.throws(start('2.77.0'), { message: /needs rollup 2\.78 or newer, and this is 2\.77\.0\.\n {2}Do this: / })
  for (const version of ['2.78.0', '3.0.0', '4.68.8']) t.notThrows(start(version))
})
