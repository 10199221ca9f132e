import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import axe from 'axe-core'
import * as api from 'onnsight'
import * as testing from 'onnsight/testing'
import type { Browser, Page } from 'playwright-core'
import { chromiumPath, launch, serve } from '../browser/site.ts'
import { forms } from '../macro/expand.ts'
import { deadLinks, readPages } from './pages.ts'

// Builds the documentation's site as `npm run site` does, and reads it in a browser.

const inBrowser = chromiumPath ? test.serial : test.serial.skip
const out = mkdtempSync(join(tmpdir(), 'onnsight-docs-'))
let server!: Server
let browser!: Browser
let url = ''

test.before(async t => {
  t.timeout(600_000)
  execFileSync(process.execPath, ['--import', 'onnsight/register', 'website/build.ts', '--out', out], {
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  server = await serve(out)
  url = `http://localhost:${(server.address() as AddressInfo).port}/`
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  browser = await launch()
})
test.after.always(async () => {
  await browser?.close()
  server?.close()
  rmSync(out, { recursive: true, force: true })
})

/** The problems of pages: errors in the console, and requests that leave the site or fail. */
const complaints: string[] = []

async function opened(path: string, width = 1280, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
  const page = await context.newPage()
  const complain = (what: string) => complaints.push(`${page.url()}: ${what}`)
  page.on('console', message => ['error', 'warning'].includes(message.type()) && complain(message.text()))
  page.on('pageerror', error => complain(error.message))
  page.on('response', response => response.status() >= 400 && complain(`${response.status()} ${response.url()}`))
  page.on('request', request => new RegExp(`^(${url}|data:)`).test(request.url()) || complain(request.url()))
  await go(page, path)
  return page
}

async function go(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, url).href, { waitUntil: 'load' })
  // Before that, the page is HTML whose program does not run yet.
  await page.waitForFunction("document.querySelector('#app').__vue_app__")
}

const written = ['readme', ...readdirSync('docs').filter(name => name.endsWith('.md'))].map(name =>
  name.replace('.md', ''),
)
const looked = [
  ...written.map(name => `${name}.html`),
  'reference/index.html',
  'reference/onnsight/index.html',
  'reference/onnsight/classes/Tensor.html',
  'reference/onnsight/classes/Tensor/reductions-and-sorting.html',
  'reference/onnsight/interfaces/ModelMembers.html',
  'reference/onnsight/trace.macro/functions/trace.html',
  'reference/onnsight/vite/variables/default.html',
]

test('every document is in the list at the side', t => {
  const { links } = readPages(out).get('errors.html')!
  const listed = new Set(links.map(link => new URL(link, 'http://site/').pathname))
  t.deepEqual(
    written.filter(name => name !== 'index' && !listed.has(`/${name}.html`)),
    [],
  )
})

test('every document and every public name has a page, and each link and anchor leads somewhere', async t => {
  const pages = readPages(out)
  for (const path of looked) t.true(pages.has(path), path)
  for (const [entry, names] of [
    ['onnsight', Object.keys(api)],
    ['onnsight/testing', Object.keys(testing)],
    ['onnsight/trace.macro', forms],
  ] as const) {
    for (const name of names)
      t.true(
        ['functions', 'classes', 'variables'].some(kind => pages.has(`reference/${entry}/${kind}/${name}.html`)),
        `${entry}: ${name}`,
      )
  }
  // The methods of a tensor have a page for each group, and the page of Tensor leads to each method.
  const { links } = pages.get('reference/onnsight/classes/Tensor.html')!
  const methods = links.flatMap(link => /\/Tensor\/[\w-]+(?:\.html)?#(\w+)$/.exec(link)?.[1] ?? [])
  for (const name of ['sum', 'matmul', 'softmax', 'reshape', 'gather', 'tolist']) t.true(methods.includes(name), name)
  t.true(methods.length > 130, String(methods.length))
  t.true([...pages.values()].reduce((count, page) => count + page.links.length, 0) > 2000)
  t.deepEqual(deadLinks(pages), [])
})

inBrowser(
  'pages load without errors and from nowhere else, and none is wider than a phone, or has code that is, and each says what is its main content',
  async t => {
    t.timeout(300_000)
    complaints.length = 0
    const wide: string[] = []
    const page = await opened('index.html', 375)
    for (const path of looked) {
      await go(page, path)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      if ((width as number) > 375) wide.push(`${path}: ${width}`)
      const cut = await page.evaluate(
        "[...document.querySelectorAll('.vp-doc pre')].filter(one => one.scrollWidth > one.clientWidth + 1).length",
      )
      if (cut !== 0) wide.push(`${path}: ${cut as number} blocks of code are cut`)
      t.is(await page.evaluate("document.querySelectorAll('main, [role=main]').length"), 1, path)
    }
    await page.context().close()
    t.deepEqual(wide, [])
    t.deepEqual(complaints, [])
  },
)

inBrowser(
  'the home page runs the model: the lens of a prompt, and an ablation, as a trace in Node gives them',
  async t => {
    t.timeout(300_000)
    complaints.length = 0
    const model = await api.LanguageModel.load('examples/models/chars.onnx')
    const due = async (text: string, off?: 'attn') => {
      const rows = await model.trace(text, () => {
        if (off) model.transformer.h[0].attn.output = 0
        return Array.from(model.transformer.h, layer =>
          model.lm_head(model.transformer.ln_f(layer.output)).select(0, 0).argmax(-1),
        )
      })
      return rows.map(row =>
        model
          .decode(row.tolist() as number[])
          .replaceAll(' ', '␣')
          .replaceAll('\n', '⏎'),
      )
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await opened('index.html', colorScheme === 'light' ? 1280 : 375, colorScheme)
      t.true(await page.evaluate("document.querySelector('[class*=language-ts]').nextElementSibling.matches('.live')"))
      await page.getByRole('button', { name: 'Run it in this page' }).click()
      const table = page.getByRole('region', { name: 'Logit lens' }).locator('tbody tr')
      await table.first().waitFor({ timeout: 60_000 })
      const shown = async () =>
        Promise.all((await table.all()).map(async row => (await row.locator('td').allTextContents()).join('')))
      const text = 'What light through yon'
      t.deepEqual(await shown(), await due(text))
      await page.getByRole('button', { name: 'attention 0' }).click()
      await page.locator('.live td.is-changed').first().waitFor()
      const changed = await due(text, 'attn')
      t.deepEqual(await shown(), changed)
      t.notDeepEqual(changed, await due(text))
      t.regex((await page.locator('.live-code').textContent()) ?? '', /h\[0\]\.attn\.output = 0/)
      await page.getByRole('textbox', { name: 'Prompt' }).fill('ROMEO')
      await page.getByRole('columnheader', { name: 'M', exact: true }).waitFor()
      t.deepEqual(await shown(), await due('ROMEO', 'attn'))
      // A letter that the model does not know, and no letter at all.
      for (const wrong of ['Zürich', '']) {
        await page.getByRole('textbox', { name: 'Prompt' }).fill(wrong)
        await page.getByRole('alert').waitFor()
        await page.getByRole('textbox', { name: 'Prompt' }).fill('JULIET')
        await page.getByRole('alert').waitFor({ state: 'detached' })
      }
      await page.evaluate(axe.source)
      const { violations } = (await page.evaluate("axe.run('.live')")) as axe.AxeResults
      t.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`),
        [],
        colorScheme,
      )
      t.is(await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth'), false)
      await page.context().close()
    }
    await model.release()
    t.deepEqual(complaints, [])
  },
)

inBrowser('the search finds an error by its name and a task by a word, with the keyboard alone', async t => {
  complaints.length = 0
  const page = await opened('index.html')
  const search = async (words: string): Promise<string[]> => {
    await page.keyboard.press('Control+k')
    const field = page.locator('#localsearch-input')
    await field.fill(words)
    await page.waitForFunction("document.querySelectorAll('.VPLocalSearchBox .result').length > 0")
    return page
      .locator('.VPLocalSearchBox .result')
      .evaluateAll(found => found.map(each => each.getAttribute('href') ?? ''))
  }
  t.true((await search('attention')).includes('/guide.html#the-attention-pattern-of-a-head'))
  await page.keyboard.press('Escape')
  const errors = await search('NotSavedError')
  t.is(errors[0], '/errors.html#not-saved')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/errors.html#not-saved')
  t.deepEqual(complaints, [])
  await page.context().close()
})

inBrowser('the keyboard goes to the content, and along what can be scrolled', async t => {
  const page = await opened('guide.html', 375)
  await page.keyboard.press('Tab')
  t.is(await page.evaluate('document.activeElement.textContent.trim()'), 'Skip to content')
  const unreachable = await page.evaluate(`[...document.querySelectorAll('main *')].filter(element =>
    element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === 'auto' && element.tabIndex < 0 &&
    !element.querySelector('[tabindex="0"]')).map(element => element.outerHTML.slice(0, 80))`)
  t.deepEqual(unreachable, [])
  await page.context().close()
})

for (const scheme of ['light', 'dark'] as const) {
  for (const path of [
    'index.html',
    'guide.html',
    'errors.html',
    'running.html',
    'studies.html',
    'reference/onnsight/classes/Tensor.html',
    'reference/onnsight/classes/Tensor/reductions-and-sorting.html',
    'reference/onnsight/trace.macro/functions/trace.html',
  ]) {
    inBrowser(`${path}, ${scheme}: nothing that keeps people out`, async t => {
      t.timeout(60_000)
      const page = await opened(path, 1280, scheme)
      t.is(await page.evaluate("document.documentElement.classList.contains('dark')"), scheme === 'dark')
      await page.evaluate(axe.source)
      const { violations, passes } = (await page.evaluate('axe.run()')) as axe.AxeResults
      t.true(passes.length > 10)
      t.deepEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0].html}: ${nodes[0].failureSummary}`),
        [],
      )
      await page.context().close()
    })
  }
}
