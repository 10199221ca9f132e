import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { load } from 'onnsight'
import type { Page } from 'playwright-core'
import { launch } from '../browser/site.ts'
import { onnsight } from '../cli/spawn.ts'
import { run } from './in-chromium.ts'
import {
  cellsOf,
  chars,
  choose,
  floats,
  item,
  settled,
  shows,
  statistics,
  statisticsOf,
  textOf,
  violations,
} from './page.ts'

// Tests the file of HTML that `onnsight view --save` writes, opened from the disk without a server.

const TEXT = 'What light'
const path = 'examples/models/chars.onnx'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-saved-'))
test.after.always(() => rmSync(folder, { recursive: true }))

/** Opens a saved page, and fails if it asks for anything or reports an error. */
async function opened(file: string, body: (page: Page) => Promise<void>): Promise<string[]> {
  const browser = await launch()
  const problems: string[] = []
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
    page.setDefaultTimeout(20_000)
    page.on('pageerror', error => problems.push(String(error)))
    page.on('console', message => message.type() === 'error' && problems.push(message.text()))
    page.on('request', request => {
      if (!/^(file|data|blob):/.test(request.url())) problems.push(`request to ${request.url()}`)
    })
    await page.goto(pathToFileURL(file).href)
    await page.getByText('A saved copy of').waitFor()
    await settled(page)
    await body(page)
  } finally {
    await browser.close()
  }
  return problems
}

run('a saved page shows the tabs, modules, tokens and heads of its text from one file, without a request', async t => {
  t.timeout(120_000)
  const file = join(folder, 'chars.html')
  const { code, stdout, stderr } = await onnsight(['view', path, '--save', file, '--text', TEXT])
  t.is(code, 0, stderr)
  t.regex(stdout, /chars\.html, \d+(\.\d)? [kM]B/)
  t.true(readFileSync(file).length < 1_500_000)
  const model = await load(path)
  t.teardown(() => model.release())
  const input = { input_ids: [[...TEXT].map(char => chars.indexOf(char))] }
  const { h, pattern, best } = await model.trace(input, m => ({
    h: m.transformer.h[1].mlp.output,
    pattern: m.transformer.h[2].attn.heads[3].pattern,
    best: m.lm_head.output.select(0, 0).argmax(-1),
  }))
  const problems = await opened(file, async page => {
    t.is(await page.getByRole('textbox', { name: 'Text' }).inputValue(), TEXT)
    t.deepEqual(await violations(page), [])
    for (const tab of ['Lens', 'Attention', 'Importance', 'Module', 'Overview']) {
      await page.getByRole('tab', { name: tab }).click()
      await settled(page)
      t.deepEqual(await page.locator('.problem').allTextContents(), [], tab)
    }
    t.is(await page.locator('.head-grid .head').count(), 16)
    // The lens at another token.
    await page.getByRole('tab', { name: 'Lens' }).click()
    await page.getByRole('button', { name: 'Token 3:' }).click()
    const own = await page.locator('.lens .own .token-text').allTextContents()
    t.deepEqual(
      own,
      (best.tolist() as number[]).map(id => chars[Number(id)].replace(' ', '␣').replace('\n', '⏎')),
    )
    // A module, and the values of another token.
    await choose(page, 'transformer.h.1.mlp')
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(h))))
      t.true(shows(shown[name], value), `${name}: ${shown[name]} for ${value}`)
    await page.getByRole('button', { name: 'Token 7:' }).click()
    await page.getByRole('heading', { name: /^Token 7 / }).waitFor()
    await settled(page)
    const values = floats(h).slice(7 * 128, 8 * 128)
    const cells = await page
      .locator('.row-values td')
      .evaluateAll(all =>
        all.map(cell => [Number((cell as HTMLElement).dataset.place), cell.textContent ?? ''] as const),
      )
    t.is(cells.length, 128)
    for (const [place, text] of cells) t.true(shows(text, values[place]), `channel ${place}: ${text}`)
    await page.getByRole('combobox', { name: 'order' }).selectOption('largest')
    await settled(page)
    const largest = await page.locator('.row-values td').first().getAttribute('data-place')
    t.is(Number(largest), values.indexOf(Math.max(...values)))
    // The attention of a module.
    await choose(page, 'transformer.h.3.attn')
    await page.locator('.all-heads').waitFor()
    t.is(await page.locator('.all-heads .head').count(), 4)
    t.is(await page.locator('.problem').count(), 0)
    // A head.
    await page.getByRole('tab', { name: 'Attention' }).click()
    await page.getByRole('button', { name: 'transformer.h.2.attn head 3' }).click()
    await page.getByRole('heading', { name: /h\.2\.attn · head 3/ }).waitFor()
    const [[, , weight]] = await cellsOf(page, '.look-values')
    const row = floats(pattern).slice(7 * TEXT.length, 8 * TEXT.length)
    t.true(shows(weight, Math.max(...row)), `${weight} for ${Math.max(...row)}`)
    // The tree opens to the operations of a module.
    await item(page, 'lm_head').locator('.twisty').click()
    t.true((await page.locator('.tree-label.is-operation').count()) > 0)
    // What needs the model says so.
    await page.getByRole('textbox', { name: 'Text' }).fill('other')
    await page.keyboard.press('Enter')
    await page.getByText('This is a saved copy').waitFor()
    t.true((await textOf(page.locator('.problem').first())).includes('onnsight view'))
  })
  t.deepEqual(problems, [])
})

run('a saved page of a model without tokens opens on its example', async t => {
  t.timeout(120_000)
  const file = join(folder, 'resnet.html')
  const { code, stdout } = await onnsight(['view', 'test/fixtures/names/resnet.onnx', '--save', file, '--json'])
  t.is(code, 0)
  t.is((JSON.parse(stdout) as { bytes: number }).bytes, readFileSync(file).length)
  const problems = await opened(file, async page => {
    await page.locator('.stages').waitFor()
    await page.getByRole('button', { name: /^layer1/ }).click()
    await page.locator('.row-values td').first().waitFor()
    await page.getByText('Graph', { exact: true }).click()
    await page.locator('.graph').waitFor()
    t.is(await page.locator('.problem').count(), 0)
  })
  t.deepEqual(problems, [])
})

test('--save refuses a text that the model can’t take, and a file that can’t be written', async t => {
  t.timeout(60_000)
  const image = ['view', 'test/fixtures/names/resnet.onnx', '--save']
  const noText = await onnsight([...image, join(folder, 'x.html'), '--text', 'a'])
  t.is(noText.code, 1)
  t.regex(noText.stderr, /takes no text[\s\S]*Do this: /)
  const noFolder = await onnsight([...image, join(folder, 'none/x.html')])
  t.is(noFolder.code, 1)
  t.regex(noFolder.stderr, /can't be written[\s\S]*Do this: /)
  const alone = await onnsight(['view', path, '--text', 'a'])
  t.regex(alone.stderr, /--text is for --save/)
})
