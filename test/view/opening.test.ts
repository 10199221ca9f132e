import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { LanguageModel, load } from 'onnsight'
import type { Browser } from 'playwright-core'
import { chromiumPath, launch } from '../browser/site.ts'
import { onnsight } from '../cli/spawn.ts'
import { run } from './in-chromium.ts'
import { floats, settled, shows, statistics, statisticsOf, testPage, textOf } from './page.ts'
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

run('a folder opens on a text, its tokens and the lens, with the values of a trace', async t => {
  const { url } = await viewing(t, verse)
  const model = await LanguageModel.load(verse)
  t.teardown(() => model.release())
  await testPage(t, browser, { url, scheme: 'light' }, async page => {
    await page.locator('.lens').waitFor()
    await settled(page)
    t.is(await textOf(page.getByRole('heading', { level: 1 })), 'verse')
    t.is(await page.title(), 'verse · onnsight view')
    const text = await page.getByRole('textbox', { name: 'Text' }).inputValue()
    const tokens = model.tokens(text)
    t.true(tokens.length > 2)
    t.is(await page.locator('.token').count(), tokens.length)
    const logits = await model.trace(text, m => m.lm_head.output.select(0, 0).softmax(-1).topk(1))
    const own = await page.locator('.lens .own .token-text').allTextContents()
    const best = (logits.indices.tolist() as number[][]).map(([id]) => model.decode([id]))
    t.deepEqual(
      own,
      best.map(one => one.replaceAll(' ', '␣').replaceAll('\n', '⏎')),
    )
    // The program for it has the text, and opens the folder.
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    t.true(code.includes(`LanguageModel.load(${JSON.stringify(verse)})`), code)
    t.true(code.includes(`const inputs = ${JSON.stringify(text)}`), code)
  })
})

run('a model of images opens on made-up inputs that fit, and its values', async t => {
  const path = 'test/fixtures/names/resnet.onnx'
  const { url } = await viewing(t, path)
  const model = await load(path)
  t.teardown(() => model.release())
  await testPage(t, browser, { url, scheme: 'light' }, async page => {
    await page.locator('.statistics').first().waitFor()
    await settled(page)
    t.is(await page.getByRole('tab', { selected: true }).textContent(), 'Module')
    t.is(await page.getByRole('combobox', { name: 'Value of image' }).inputValue(), 'random')
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    const [, image] = /image: (\[.*\]),/.exec(code)!
    const expected = await model.run({ image: JSON.parse(image) as number[][][][] })
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(expected.result))))
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
