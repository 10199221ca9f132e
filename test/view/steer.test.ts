import { LanguageModel } from 'onnsight'
import { steeringVector } from 'onnsight/study'
import { run, start } from './in-chromium.ts'
import { overflow, settled, testPage, textOf, violations } from './page.ts'
import { runProgram } from './run-program.ts'

// Compares the page's tab Steer with the study and generate().

const folder = 'test/fixtures/models/verse'
const TEXT = 'To be or not to be'
const towards = ['The king is', 'My lord']
const away = ['a dog', 'the sea and', 'What']
const { browser, viewing, model } = await start([folder], () => LanguageModel.load(folder))

/** The text that the model generates after the given one. */
async function written(layer?: number, strength = 0) {
  const vector =
    layer === undefined ? undefined : await steeringVector(model, { positive: towards, negative: away, layer })
  const { ids, text } = await (vector?.apply(model, strength) ?? model).generate(TEXT, {
    maxNewTokens: 8,
    doSample: false,
  })
  return { ids: (ids.tolist() as number[][])[0].map(Number).slice(model.tokens(TEXT).length), text }
}

run('a direction from two lists of texts steers the model, and the slider steers again', async t => {
  const state = new URLSearchParams({ tab: 'steer', text: TEXT })
  await testPage(t, browser, { url: `${viewing.url}#${state}`, scheme: 'dark' }, async page => {
    const steer = page.getByRole('button', { name: 'Steer', exact: true })
    await page.locator('.token').first().waitFor()
    t.true(await steer.isDisabled())
    await page.getByRole('textbox', { name: 'Towards' }).fill(towards.join('\n'))
    await page.getByRole('textbox', { name: 'Away from' }).fill(`${away.join('\n')}\n\n`)
    await page.getByRole('combobox', { name: 'after layer' }).selectOption('1')
    await page.getByRole('spinbutton', { name: 'new tokens' }).fill('8')
    await page.getByRole('spinbutton', { name: 'strength as a number' }).fill('3')
    await steer.click()
    const tokensOf = (part: string) =>
      page.locator(`[data-part=${part}] .new-token`).evaluateAll(all => all.map(one => Number(one.dataset.id)))
    const [plain, steered, stronger] = [await written(), await written(1, 3), await written(1, -6.25)]
    t.is(new Set([plain.text, steered.text, stronger.text]).size, 3)
    await page.locator('[data-part=edited] .new-token').first().waitFor()
    t.deepEqual(await tokensOf('unedited'), plain.ids)
    t.deepEqual(await tokensOf('edited'), steered.ids)
    t.regex(await textOf(page.locator('[data-part=edited] h3')), /layer 1, strength 3$/)
    t.deepEqual(await violations(page), [])
    // Moves the slider by keyboard and by hand.
    const slider = page.getByRole('slider', { name: 'strength' })
    await slider.press('ArrowRight')
    await page.getByRole('heading', { name: 'Steered after layer 1, strength 3.25' }).waitFor()
    await slider.fill('-6.25')
    await page.getByRole('heading', { name: 'Steered after layer 1, strength -6.25' }).waitFor()
    await settled(page)
    t.deepEqual(await tokensOf('unedited'), plain.ids)
    t.deepEqual(await tokensOf('edited'), stronger.ids)
    // Opening the address steers again.
    t.regex(page.url(), /steer=1%2C-6\.25/)
    await page.reload()
    await page.locator('[data-part=edited] .new-token').first().waitFor()
    t.deepEqual(await tokensOf('edited'), stronger.ids)
    t.is(await page.getByRole('textbox', { name: 'Towards' }).inputValue(), towards.join('\n'))
    t.is(await slider.inputValue(), '-6.25')
    // The code for it gives the same result.
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    const { printed, vector } = await runProgram<{ vector: { layer: number } }>(code, ['vector'])
    t.is(vector.layer, 1)
    t.deepEqual(printed, [plain.text, stronger.text])
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    t.deepEqual(await overflow(page), [0, 0])
  })
})

run('requests that can’t be answered say why', async t => {
  const inputs = { input_ids: { text: TEXT } }
  const good = { inputs, towards, away, layer: 1, strength: 2, maxNewTokens: 2 }
  for (const [change, message] of [
    [{ towards: [] }, /towards has no texts/],
    [{ away: 'a dog' }, /away is not a list/],
    [{ away: [''] }, /away has no texts/],
    [{ layer: -1 }, /whole number of 0 or more/],
    [{ strength: 'much' }, /strength is not a number/],
    [{ layer: 40 }, /no layer 40/],
  ] as const) {
    const { status, body } = await viewing.ask('steer', { ...good, ...change })
    t.true(status === 400 || status === 422, String(status))
    t.regex(String(body.message), message)
    t.truthy(body.fix)
  }
  const nothing = await viewing.ask('code', { inputs, tab: 'steer', path: '' })
  t.regex(String(nothing.body.message), /Nothing was steered/)
})
