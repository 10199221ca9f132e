import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { Browser } from 'playwright-core'
import { chromiumPath, launch, serve } from '../browser/site.ts'
import { MatrixPart } from '../consumers/matrix-part.ts'
import { Project } from '../consumers/project.ts'
import { checkAccess, checkPage, openApp, visit } from './app.ts'
import {
  type Bundler,
  build,
  bundlers,
  byBabel,
  cells,
  checkPages,
  checkRoute,
  develop,
  dueCells,
  serve as serveNext,
} from './next.ts'

// The apps of examples/apps: installed with the packed onnsight, built by their own tools, and used in Chromium.

const inBrowser = chromiumPath ? test.serial : test.serial.skip
const EXAMPLE = 'First Citizen: we are'
let browser: Browser | undefined
const stops: (() => Promise<void>)[] = []
test.before(async t => {
  if (chromiumPath) browser = await launch()
  else t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
})
test.after.always(async () => {
  for (const stop of stops) await stop()
  await browser?.close()
  Project.removeAll()
})

const cra = 'examples/apps/cra/package-lock.json'
const next = 'examples/apps/next/package-lock.json'
const nextRow = (bundler: string, how: string): string => `Next.js by ${bundler}, ${how}`
// With webpack this would take minutes, and the macro runs in the same Babel.
const BY_BABEL = nextRow('Turbopack', 'babel.config.js')
const matrix = new MatrixPart('Apps', 'test/apps/apps.test.ts', [
  { name: 'Create React App', packages: ['react-scripts', 'react'], lockfile: cra },
  ...[...Object.keys(bundlers).map(bundler => nextRow(bundler, 'withOnnsight')), BY_BABEL].map(name => ({
    name,
    packages: ['next', 'react'],
    lockfile: next,
  })),
])

const opened = new Map<string, Promise<Project>>()
const appOf = (name: 'cra' | 'next'): Promise<Project> => {
  const opening = opened.get(name) ?? openApp(name)
  opened.set(name, opening)
  return opening
}

test.serial('Create React App: its unit test traces', async t => {
  t.timeout(900_000)
  const { output } = await (await appOf('cra')).succeed('react-scripts test')
  t.regex(output, /Tests: +1 passed, 1 total/)
})

inBrowser('Create React App, with no configuration: built, and used in the browser', async t => {
  t.timeout(900_000)
  const app = await appOf('cra')
  // The build itself checks types and lint. With CI set, a warning ends it.
  await app.succeed('react-scripts build')
  const server: Server = await serve(join(app.folder, 'build'))
  stops.push(async () => void server.close())
  const wrong: string[] = []
  const page = await visit(browser!, `http://localhost:${(server.address() as AddressInfo).port}/`, wrong)
  await page.waitForSelector('.lens')
  await checkPage(t, page, EXAMPLE)
  await page.getByLabel('Text').fill('ROMEO: O')
  await page.waitForFunction(`document.querySelectorAll('.lens thead th').length === 9`)
  await checkPage(t, page, 'ROMEO: O')
  await checkAccess(t, page)
  t.deepEqual(wrong, [])
  matrix.record('Create React App', 'react-scripts build, in Chromium')
  await app.succeed('rm -rf build node_modules')
})

/** Changes files while `run` runs, and then restores them. */
async function withFiles(app: Project, files: Readonly<Record<string, string | undefined>>, run: () => Promise<void>) {
  const has = (path: string): boolean => existsSync(join(app.folder, path))
  const before = Object.keys(files).map(path => [path, has(path) ? app.read(path) : undefined] as const)
  const write = (path: string, text: string | undefined): void => {
    if (text !== undefined || has(path)) app.write(path, text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  try {
    await run()
  } finally {
    for (const [path, text] of before) write(path, text)
  }
}

for (const bundler of Object.keys(bundlers) as Bundler[]) {
  test.serial(
    `Next.js by ${bundler}, withOnnsight: a server component, a route handler, a client component`,
    async t => {
      t.timeout(900_000)
      const app = await appOf('next')
      const { code, output } = await build(app, bundler)
      t.is(code, 0, output)
      t.notRegex(output, /Babel|babel/)
      const { url, stop } = await serveNext(app)
      stops.push(stop)
      await checkRoute(t, url)
      t.deepEqual(await cells(url, 'ROMEO'), await dueCells('ROMEO'))
      if (browser) await checkPages(t, browser, url)
      else t.log('The pages in the browser were not tested, because there is no Chromium here.')
      matrix.record(nextRow(bundler, 'withOnnsight'), 'next build, next start: server, route handler, in Chromium')
      await stop()
      stops.pop()
    },
  )
}

// By webpack the same loader throws the same error: test/macro/webpack-loader.test.ts.
test.serial('Next.js by Turbopack, withOnnsight: what can’t be expanded ends the build with a code frame', async t => {
  t.timeout(900_000)
  const app = await appOf('next')
  const wrong = app
    .read('lib/look.ts')
    .replace(/\n.*await trace\(.*\n/, line => `\n  const last = 1${line}    last = 2\n`)
  await withFiles(app, { 'lib/look.ts': wrong }, async () => {
    const { code, output } = await build(app, 'Turbopack')
    t.is(code, 1)
    t.regex(output, /lib\/look\.ts:19:5: last is assigned in a traced block, but it is a constant/)
    t.regex(output, /> 19 \| {5}last = 2\n/)
    t.notRegex(output, /buildCodeFrameError/)
  })
  matrix.record(nextRow('Turbopack', 'withOnnsight'), 'build error')
})

test.serial('Next.js by Turbopack, withOnnsight: next dev answers, and shows what a file was changed to', async t => {
  t.timeout(900_000)
  const app = await appOf('next')
  await app.succeed('rm -rf .next')
  const { url, stop } = await develop(app)
  stops.push(stop)
  await checkRoute(t, url)
  t.deepEqual(await cells(url, 'ROMEO'), await dueCells('ROMEO'))
  const twice = app.read('lib/look.ts').replace("Softmax[0].output.slice('0')", '$&.mul(2)')
  await withFiles(app, { 'lib/look.ts': twice }, async () => {
    const due = await dueCells('ROMEO', 2)
    let seen: string[] = []
    for (let i = 0; i < 120 && seen[0] !== due[0]; i++) {
      await new Promise(done => setTimeout(done, 250))
      seen = await cells(url, 'ROMEO')
    }
    t.deepEqual(seen, due)
  })
  matrix.record(nextRow('Turbopack', 'withOnnsight'), 'next dev, with a file changed')
  await stop()
  stops.pop()
})

test.serial(`${BY_BABEL}: a server component, a route handler`, async t => {
  t.timeout(900_000)
  const app = await appOf('next')
  await withFiles(app, byBabel, async () => {
    const { code, output } = await build(app, 'Turbopack')
    t.is(code, 0, output)
    t.regex(output, /babel/)
    const { url, stop } = await serveNext(app)
    stops.push(stop)
    await checkRoute(t, url)
    t.deepEqual(await cells(url, 'ROMEO'), await dueCells('ROMEO'))
    await stop()
    stops.pop()
  })
  matrix.record(BY_BABEL, 'next build, next start: server, route handler')
})

inBrowser('docs/matrix.md names the versions of the lockfiles, and what was run', t => {
  matrix.check(t)
})

test('docs/tools.md shows what the Next.js app does, and the other way', t => {
  const guide = readFileSync('docs/tools.md', 'utf8')
  const config = readFileSync('examples/apps/next/next.config.ts', 'utf8')
  for (const line of ["import { withOnnsight } from 'onnsight/next'", 'export default withOnnsight(']) {
    t.true(config.includes(line), line)
    t.true(guide.includes(line), line)
  }
  t.true(guide.includes(byBabel['babel.config.js']))
})
