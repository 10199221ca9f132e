import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import type { Browser } from 'playwright-core'
import { Project } from '../consumers/project.ts'
import { chromiumPath, launch, serve } from '../web/site.ts'
import { checkAccess, checkPage, expected, openApp, start, visit } from './app.ts'

// The apps of examples/apps: installed with the packed onnsight, built by their own tools, and used in Chromium.

const inBrowser = chromiumPath ? test.serial : test.serial.skip
const EXAMPLE = 'First Citizen: we are'
let browser: Browser | undefined
const stops: (() => void)[] = []
test.before(async t => {
  if (chromiumPath) browser = await launch()
  else t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
})
test.after.always(async () => {
  for (const stop of stops) stop()
  await browser?.close()
  Project.removeAll()
})

test('docs/browser.md names the versions of the lockfiles', t => {
  const page = readFileSync('docs/browser.md', 'utf8')
  const version = (lockfile: string, name: string): string => {
    const { packages } = JSON.parse(readFileSync(lockfile, 'utf8')) as {
      packages: Record<string, { version: string }>
    }
    return `${name} ${packages[`node_modules/${name}`].version}`
  }
  for (const [folder, names] of [
    ['examples/apps/cra', ['react-scripts', 'react']],
    ['examples/apps/next', ['next', 'react']],
    ['.', ['vite']],
  ] as const) {
    const versions = names.map(name => version(`${folder}/package-lock.json`, name)).join(', ')
    t.true(page.includes(versions), versions)
  }
})

test.serial('Create React App: its types and its lint are those of the template, and its unit test traces', async t => {
  t.timeout(900_000)
  const app = await openApp('cra')
  const { output } = await app.succeed('react-scripts test')
  t.regex(output, /Tests: +1 passed, 1 total/)
  await app.succeed('tsc -p . && eslint --max-warnings 0 --ext .ts,.tsx src')
  // And both see what is wrong in a block.
  app.write('src/look.ts', app.read('src/look.ts').replace('softmax(-1).max(-1)', "softmax('last').max(-1); logits"))
  const types = await app.run('tsc -p .')
  t.regex(types.output, /look\.ts\(\d+,\d+\): error TS2345: Argument of type 'string'/)
  t.regex((await app.run('eslint --ext .ts,.tsx src')).output, /no-unreachable|no-unused-expressions/)
  await app.succeed('rm -rf node_modules')
})

inBrowser('Create React App, with no configuration: built, and used in the browser', async t => {
  t.timeout(900_000)
  const app = await openApp('cra')
  // Types and lint are the build's own: with CI set, a warning ends it.
  await app.succeed('react-scripts build')
  const server: Server = await serve(join(app.folder, 'build'))
  stops.push(() => server.close())
  const wrong: string[] = []
  const page = await visit(browser!, `http://localhost:${(server.address() as AddressInfo).port}/`, wrong)
  await page.waitForSelector('.lens')
  await checkPage(t, page, EXAMPLE)
  await page.getByLabel('Text').fill('ROMEO: O')
  await page.waitForFunction(`document.querySelectorAll('.lens thead th').length === 9`)
  await checkPage(t, page, 'ROMEO: O')
  await checkAccess(t, page)
  t.deepEqual(wrong, [])
  await app.succeed('rm -rf build node_modules')
})

test.serial('Next.js, Turbopack and webpack: a server component, a route handler and a client component', async t => {
  t.timeout(900_000)
  const app = await openApp('next')
  for (const bundler of ['', ' --webpack']) {
    await app.succeed(`rm -rf .next && next build${bundler}`, { NEXT_TELEMETRY_DISABLED: '1' })
    const { url, stop } = await start(app, port => ['next', 'start', '-p', String(port)])
    stops.push(stop)
    const post = (body: unknown) => fetch(`${url}/api/look`, { method: 'POST', body: JSON.stringify(body) })
    const due = await expected('ROMEO')
    const seen = (await (await post({ text: 'ROMEO' })).json()) as {
      lens: { next: string[] }[]
      patterns: number[][][][]
    }
    t.deepEqual(seen.lens.at(-1)?.next, due.next, bundler)
    t.true(seen.patterns[1][0].every((row, i) => row.every((share, j) => Math.abs(share - due.pattern[i][j]) < 1e-4)))
    const refused = await post({ text: 5 })
    t.is(refused.status, 400)
    t.regex(await refused.text(), /Send \{ \\"text\\"/)
    const html = await (await fetch(`${url}/?text=ROMEO`)).text()
    t.regex(html, /class="lens"/)
    if (!browser) {
      t.log('The pages in the browser were not looked at: no Chromium here.')
      stop()
      continue
    }
    const wrong: string[] = []
    const server = await visit(browser, `${url}/`, wrong)
    await checkPage(t, server, EXAMPLE)
    const client = await visit(browser, `${url}/browser`, wrong)
    await client.waitForSelector('.lens')
    await checkPage(t, client, EXAMPLE)
    await client.getByLabel('Layer').selectOption('3')
    await checkPage(t, client, EXAMPLE, 3)
    await client.getByLabel('Text').fill('ROMEO')
    await client.waitForFunction(`document.querySelectorAll('.lens thead th').length === 6`)
    for (const page of [server, client]) await checkAccess(t, page)
    t.deepEqual(wrong, [])
    stop()
    stops.pop()
  }
})
