import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LanguageModel, type Tensor } from 'onnsight'
import { compare } from 'onnsight/compare'
import { onnsight } from '../cli/spawn.ts'
import { Spoilt } from '../compare/faults.ts'
import { start, testsAt } from './in-chromium.ts'
import { choose, chars as entries, item, overflow, settled, shows, TEXT, textOf, violations } from './page.ts'
import { runProgram } from './run-program.ts'

// Tests the tab Compare of the page against `compare`, on a model and a copy with one spoilt matrix.

const chars = 'examples/models/chars.onnx'
const guilty = 'transformer.h.1.attn.c_proj'
const folder = mkdtempSync(join(tmpdir(), 'onnsight-view-compare-'))
const spoilt = join(folder, 'spoilt.onnx')
const copy = new Spoilt(chars)
copy.matrix('/transformer/h.1/attn/c_proj/Gemm', values => values.map(value => 3 * value))
copy.save(spoilt)
copyFileSync('examples/models/chars.vocab.json', join(folder, 'spoilt.vocab.json'))

const started = await start([chars, '--beside', spoilt], () => LanguageModel.load(chars))
test.after.always(() => rmSync(folder, { recursive: true }))
const at = testsAt(started)
const texts = [TEXT, 'KING RICHARD']
const state = { tab: 'compare', compare: 'texts', texts: texts.join('\n') }

at('the guiltiest module is first, coloured in the tree, with the numbers of compare', state, async (t, page) => {
  const second = await LanguageModel.load(spoilt)
  t.teardown(() => second.release())
  const due = await compare(started.model, second, texts)
  t.is(due.culprit, guilty)
  await page.locator('.blame tbody tr').first().waitFor()
  await settled(page)
  t.is(await textOf(page.locator('.verdict').first()), due.advice)
  const rows = await page
    .locator('.blame tbody tr')
    .evaluateAll(all => all.map(row => Array.from(row.children, cell => cell.textContent ?? '')))
  t.is(rows[0][0], guilty)
  t.is(rows[0][1], `${Math.round(100 * due.blame[0].share)} %`)
  const { made, arriving } = due.modules.find(({ module }) => module === guilty)!
  t.is(rows[0][4], String(Number(made!.relative.toPrecision(3))))
  t.is(rows[0][6], String(Number(arriving!.relative.toPrecision(3))))
  t.true(made!.relative > 1)
  // The tree shows the share of each module with that of the modules in it.
  const inBlock = due.blame
    .filter(({ module }) => module.startsWith('transformer.h.1'))
    .reduce((sum, { share }) => sum + share, 0)
  const shown = await textOf(item(page, 'transformer.h.1').locator('.tree-share'))
  t.true(shows(shown.split(' %')[0], 100 * inBlock), shown)
  // Each module is listed, and leads to its values.
  t.is(await page.locator('.compared-modules tbody tr').count(), due.modules.length)
  t.deepEqual(await violations(page), [])
  await page.locator('.blame').getByRole('button', { name: guilty }).click()
  await page.getByRole('heading', { name: guilty, exact: true }).waitFor()
  t.is(await textOf(page.getByRole('tab', { selected: true })), 'Module')
  // The tab comes back without another run: its comparison is kept.
  await page.keyboard.press('c')
  await page.locator('.compared-modules').waitFor()
  await page.setViewportSize({ width: 390, height: 844 })
  t.deepEqual(await overflow(page), [0, 0])
})

at('tokens show where the predictions part, and the address opens the same token', state, async (t, page) => {
  const second = await LanguageModel.load(spoilt)
  t.teardown(() => second.release())
  const looks = page.locator('.look')
  await looks.first().waitFor()
  await page.locator('#panel-compare select').selectOption('0')
  await settled(page)
  const logs = async (model: typeof second) =>
    model.trace(TEXT, m => m.lm_head.output.select(0, 0).logSoftmax(-1)) as Promise<Tensor>
  const [a, b] = [await logs(started.model as typeof second), await logs(second)]
  const kl = (await a.exp().mul(a.sub(b)).sum(-1).value()).tolist() as number[]
  const best = await Promise.all(
    [a, b].map(async one => ((await one.argmax(-1).value()).tolist() as (number | bigint)[]).map(Number)),
  )
  const parted = kl.flatMap((_, i) => (best[0][i] === best[1][i] ? [] : [i]))
  t.true(parted.length > 0)
  t.is(await looks.count(), TEXT.length)
  t.deepEqual(
    await looks.evaluateAll(all => all.flatMap((one, i) => (one.classList.contains('is-parted') ? [i] : []))),
    parted,
  )
  await looks.nth(parted[0]).click()
  t.regex(page.url(), new RegExp(`parted=0%2C${parted[0]}`))
  await page.reload()
  await page.locator('.look.is-query').waitFor()
  await settled(page)
  const heading = await textOf(page.getByRole('heading', { name: /^After token/ }))
  t.true(heading.startsWith(`After token ${parted[0]} `), heading)
  t.true(shows(heading.split('KL ')[1], kl[parted[0]]), heading)
  const likeliest = await page
    .locator('.compared tbody tr')
    .evaluateAll(rows => rows.map(row => Array.from(row.children, cell => cell.textContent ?? '')))
  const share = await a.exp().select(0, parted[0]).select(0, best[0][parted[0]]).value()
  const row = likeliest.find(([, id]) => Number(id) === best[0][parted[0]])!
  t.true(shows(row[2], Number(share.item())), JSON.stringify(row))
  t.is(row[0].replaceAll('␣', ' ').replaceAll('⏎', '\n'), entries[best[0][parted[0]]])
})

at('the code compares the same models on the same inputs', state, async (t, page) => {
  await page.locator('.blame').waitFor()
  await page.getByRole('button', { name: 'Copy as code' }).click()
  const code = await textOf(page.locator('.written'))
  const { found } = await runProgram<{ found: { culprit: string; inputs: string[] } }>(code, ['found'])
  t.is(found.culprit, guilty)
  t.deepEqual(found.inputs, texts)
})

at(
  'the input above is compared, in the dark',
  { tab: 'compare', text: TEXT },
  async (t, page) => {
    t.is(await page.locator('.blame').count(), 0)
    await page.getByText('The input above').click()
    await page.getByRole('button', { name: 'Compare', exact: true }).click()
    await page.locator('.blame').waitFor()
    t.is(await page.getByText(/, on one input$/).count(), 1)
    t.regex(page.url(), /compare=input/)
    t.is(await textOf(page.locator('.blame tbody tr').first().locator('button')), guilty)
    t.deepEqual(await violations(page), [])
    await choose(page, 'transformer.h.1')
  },
  'dark',
)

test('a second model that is missing, and a copy that is saved, are refused before anything is served', async t => {
  const missing = await onnsight(['view', chars, '--beside', join(folder, 'none.onnx')])
  t.is(missing.code, 1)
  t.regex(missing.stderr, /none\.onnx/)
  const saved = await onnsight(['view', chars, '--beside', spoilt, '--save', join(folder, 'page.html')])
  t.is(saved.code, 2)
  t.regex(saved.stderr, /--save and --beside can’t be passed together/)
})

test('a comparison is cancelled in the middle, and the next one runs', async t => {
  const { viewing } = started
  if (!viewing) return t.pass()
  const cancelled = new AbortController()
  const body = {
    inputs: {},
    comparing: { on: 'texts', texts: Array.from({ length: 60 }, (_, i) => TEXT.slice(i % 9)) },
  }
  const running = viewing.ask('comparison', body, cancelled.signal)
  setTimeout(() => cancelled.abort(), 400)
  await t.throwsAsync(running, { any: true })
  const { status } = await viewing.ask('parting', { inputs: {}, comparing: { on: 'texts', texts }, input: 1 })
  t.is(status, 200)
})
