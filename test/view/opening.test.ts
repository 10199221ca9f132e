import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { LanguageModel, load } from 'onnsight'
import type { Browser } from 'playwright-core'
import { chromiumPath, launch } from '../browser/site.ts'
import { onnsight } from '../cli/spawn.ts'
import { run } from './in-chromium.ts'
import { cellsOf, floats, settled, shows, statistics, statisticsOf, testPage, textOf } from './page.ts'
import { type Viewing, view } from './viewing.ts'

// Tests what the page of `onnsight view` shows before the user has done anything.

const verse = 'test/fixtures/models/verse'
let browser!: Browser

test.before(async t => {
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  browser = await launch()
})
test.after.always(async () => browser?.close())

async function viewing(t: ExecutionContext, ...args: string[]): Promise<Viewing> {
  t.timeout(120_000)
  const own = await view(args)
  t.teardown(() => own.end('SIGKILL'))
  return own
}

run('a folder opens on a text, its tokens and the overview, with the values of a trace', async t => {
  const { url } = await viewing(t, verse)
  const model = await LanguageModel.load(verse)
  t.teardown(() => model.release())
  await testPage(t, browser, { url, scheme: 'light' }, async page => {
    await page.locator('.head-grid').waitFor()
    await settled(page)
    t.is(await textOf(page.getByRole('heading', { level: 1 })), 'verse')
    t.is(await page.title(), 'verse · onnsight view')
    t.is(await textOf(page.getByRole('tab', { selected: true })), 'Overview')
    const facts = await textOf(page.locator('.facts'))
    for (const fact of ['LlamaForCausalLM', '951,424', '4 of width 128', '1,024 tokens'])
      t.true(facts.includes(fact), `${fact}: ${facts}`)
    const text = await page.getByRole('textbox', { name: 'Text' }).inputValue()
    const tokens = model.tokens(text)
    t.true(tokens.length > 2)
    t.is(await page.locator('.token').count(), tokens.length)
    const shown = (id: number): string => model.decode([id]).replaceAll(' ', '␣').replaceAll('\n', '⏎')
    const { best, layers, norms } = await model.trace(text, m => ({
      best: m.lm_head.output.select(0, 0).select(0, -1).softmax(-1).topk(5),
      layers: m.model.layers.modules.map(layer =>
        m.lm_head(m.model.norm(layer.output)).select(0, 0).select(0, -1).argmax(-1),
      ),
      norms: m.model.layers.modules.map(layer => layer.output.select(0, 0).norm(2, -1)),
    }))
    const likeliest = await page
      .locator('.overview .bars tbody tr')
      .evaluateAll(rows => rows.map(row => row.children[0].textContent))
    t.deepEqual(likeliest, (best.indices.tolist() as number[]).map(Number).map(shown))
    t.deepEqual(
      await page.locator('.glance-layers .token-text').allTextContents(),
      layers.map(id => shown(Number(id.item()))),
    )
    // The map has the norm of each layer's output at each token.
    const map = page.getByRole('application', { name: `Norms, 4 by ${tokens.length}` })
    await map.focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key)
    const readout = await textOf(page.locator('.readout').first())
    const [, name, norm] = /^(\S+) · token 1 “.+”: (\S+)$/.exec(readout)!
    t.is(name, 'model.layers.2')
    t.true(shows(norm, floats(norms[2])[1]), readout)
    t.is(await page.locator('.head-grid .head').count(), 16)
    // Each part leads to its tab.
    await page.locator('.glance-layers button').nth(1).click()
    await page.locator('.lens').waitFor()
    await settled(page)
    const own = await page.locator('.lens .own .token-text').allTextContents()
    const all = await model.trace(text, m => m.lm_head.output.select(0, 0).argmax(-1))
    t.deepEqual(own, (all.tolist() as number[]).map(Number).map(shown))
    t.regex(await textOf(page.locator('.best h3')), /model\.layers\.1/)
    await page.goBack()
    await page.locator('.head-grid .head').nth(5).click()
    await page.getByRole('heading', { name: /model\.layers\.1.* head 1$/ }).waitFor()
    await page.goBack()
    await map.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'model.layers.0', exact: true }).waitFor()
    // The program for it has the text, and opens the folder.
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    t.true(code.includes(`LanguageModel.load(${JSON.stringify(verse)})`), code)
    t.true(code.includes(`const inputs = ${JSON.stringify(text)}`), code)
  })
})

run('a model of images opens on made-up inputs that fit, its outputs, and the values on the way', async t => {
  const path = 'test/fixtures/names/resnet.onnx'
  const { url } = await viewing(t, path)
  const model = await load(path)
  t.teardown(() => model.release())
  await testPage(t, browser, { url, scheme: 'light' }, async page => {
    await page.locator('.stages').waitFor()
    await settled(page)
    t.is(await page.getByRole('combobox', { name: 'Value of image' }).inputValue(), 'random')
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    await page.keyboard.press('Escape')
    const [, pixels] = /image: (\[.*\]),/.exec(code)!
    const image = { image: JSON.parse(pixels) as number[][][][] }
    const { layer1, result } = await model.trace(image, m => ({
      layer1: m.child('layer1').output,
      result: m.outputs.result,
    }))
    const [[name, , ...range]] = await cellsOf(page, '.overview section')
    t.is(name, 'result')
    const { min, mean, max } = statistics(floats(result))
    for (const [i, value] of [min, mean, max].entries()) t.true(shows(range[i], value), `${range[i]} for ${value}`)
    const largest = floats(result)
      .map((value, at) => ({ value, at }))
      .sort((a, b) => b.value - a.value)
    const top = (await cellsOf(page, '.overview')).slice(1)
    t.deepEqual(
      top.map(([at]) => Number(at)),
      largest.map(({ at }) => at),
    )
    const stage = await textOf(page.getByRole('button', { name: /^layer1/ }))
    const size = Math.sqrt(floats(layer1).reduce((sum, value) => sum + value ** 2, 0) / layer1.size)
    t.true(shows(stage.replace(/^layer1\[1, 4, 6, 6\]/, ''), size), `${stage} for ${size}`)
    await page.getByRole('button', { name: /^layer1/ }).click()
    await page.locator('.statistics').first().waitFor()
    await settled(page)
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(layer1))))
      t.true(shows(shown[name], value), `${name}: ${shown[name]} for ${value}`)
  })
})

run('without a tokenizer, ids that the model knows are filled in', async t => {
  const { url } = await viewing(t, 'test/fixtures/names/llama.onnx')
  await testPage(t, browser, { url, scheme: 'light' }, async page => {
    await page.locator('.token').first().waitFor()
    await settled(page)
    t.is(await page.getByRole('alert').count(), 0)
    t.regex(await page.getByRole('textbox', { name: /^Token ids/ }).inputValue(), /^\[\[1,2,3,4\],\[1,2,3,4\]\]$/)
  })
})

test('--dtype chooses among the builds of a folder; one that is not there is an error', async t => {
  t.timeout(120_000)
  const missing = await onnsight(['view', verse, '--dtype', 'bnb4'])
  t.is(missing.code, 1)
  t.regex(missing.stderr, /dtype bnb4[\s\S]*Do this: /)
  const file = await onnsight(['view', `${verse}/onnx/model.onnx`, '--dtype', 'bnb4'])
  t.regex(file.stderr, /is a file[\s\S]*Do this: /)
  const own = await viewing(t, verse, '--dtype', 'fp32')
  const { body } = await own.ask('tokens', { text: 'To be' })
  const { model } = JSON.parse(readFileSync(`${verse}/tokenizer.json`, 'utf8')) as { model: { vocab: object } }
  t.true((body.tokens as { id: number }[]).every(({ id }) => Object.values(model.vocab).includes(id)))
})
