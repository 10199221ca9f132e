import { LanguageModel, template } from 'onnsight'
import { run, start } from './in-chromium.ts'
import { overflow, testPage, textOf, violations } from './page.ts'

// Tests the tab Generate of the page against generate() itself.

const folder = 'test/fixtures/models/verse'
const TEXT = 'To be or not to be'
const EDIT = 'model.layers[1].output *= 1.5'
const { browser, viewing, model } = await start([folder], () => LanguageModel.load(folder))

run('the model goes on with the edit and without it, and each token shows what else was likely', async t => {
  const state = new URLSearchParams({ tab: 'generate', text: TEXT, edit: EDIT })
  await testPage(t, browser, { url: `${viewing.url}#${state}`, scheme: 'dark' }, async page => {
    t.is(await page.locator('.generated').count(), 0)
    await page.getByRole('spinbutton', { name: 'new tokens' }).fill('12')
    await page.getByRole('button', { name: 'Generate', exact: true }).click()
    await page.locator('[data-part=edited] .new-token').first().waitFor()
    const plain = await model.generate(TEXT, { maxNewTokens: 12, doSample: false })
    const edited = await model.generate(
      TEXT,
      { maxNewTokens: 12, doSample: false },
      template`
      model.layers[1].output *= 1.5
    `,
    )
    t.not(plain.text, edited.text)
    const tokensOf = (part: string) =>
      page.locator(`[data-part=${part}] .new-token`).evaluateAll(all => all.map(one => Number(one.dataset.id)))
    const added = (ids: unknown) => (ids as number[][])[0].map(Number).slice(model.tokens(TEXT).length)
    t.deepEqual(await tokensOf('unedited'), added(plain.ids.tolist()))
    t.deepEqual(await tokensOf('edited'), added(edited.ids.tolist()))
    // The third token: its probability after the two before it.
    const ids = plain.ids.tolist() as number[][]
    const before = ids[0].slice(0, model.tokens(TEXT).length + 2)
    const shares = await model.trace([before], m => m.lm_head.output.select(0, 0).select(0, -1).softmax(-1))
    await page.locator('[data-part=unedited] .new-token').nth(2).hover()
    const chosen = added(plain.ids.tolist())[2]
    const caption = await textOf(page.locator('[data-part=unedited] caption'))
    t.true(caption.includes(Number(shares.data[chosen]).toFixed(4)), caption)
    t.deepEqual(await violations(page), [])
    // The address generates the same again.
    t.regex(page.url(), /generate=12/)
    await page.reload()
    await page.locator('[data-part=edited] .new-token').first().waitFor()
    t.deepEqual(await tokensOf('edited'), added(edited.ids.tolist()))
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const code = await textOf(page.locator('.written'))
    t.regex(code, /model\.generate\(prompt, options, edit\)/)
    t.true(code.includes(EDIT), code)
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    t.deepEqual(await overflow(page), [0, 0])
  })
})

run('an answer in parts ends with its error; a seed draws the same tokens again', async t => {
  const inputs = { input_ids: { text: TEXT } }
  const ask = async (request: object): Promise<Record<string, unknown>[]> => {
    const response = await fetch(`${viewing.url}api/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs, maxNewTokens: 6, ...request }),
    })
    const text = await response.text()
    return text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Record<string, unknown>)
  }
  const drawn = { temperature: 1.2, seed: 7 }
  t.deepEqual(await ask(drawn), await ask(drawn))
  t.notDeepEqual(await ask(drawn), await ask({ ...drawn, seed: 8 }))
  const parts = await ask({ template: 'model.layers[9].output = 0' })
  t.is(parts[0].side, 'unedited')
  t.regex(String((parts.at(-1)!.error as { message: string }).message), /layers/)
})
