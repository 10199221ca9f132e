import { LanguageModel } from 'onnsight'
import { logitDifference, patchActivations } from 'onnsight/study'
import { run, start } from './in-chromium.ts'
import { overflow, shows, testPage, textOf, violations } from './page.ts'

// Tests the tab Patch of the page against runs of single patches.

const path = 'examples/models/chars.onnx'
const [clean, corrupted] = ['KING RICHAR', 'KING HENRY ']
const { browser, viewing, model } = await start([path], () => LanguageModel.load(path))

run('each cell is what one patch brings back, and a text of another length says what to do', async t => {
  const state = new URLSearchParams({ tab: 'patch', text: clean })
  await testPage(t, browser, { url: `${viewing.url}#${state}`, scheme: 'light' }, async page => {
    await page.locator('.token').first().waitFor()
    const box = page.getByRole('textbox', { name: /^Corrupted text/ })
    await box.fill('KING')
    await page.getByRole('button', { name: 'Patch', exact: true }).click()
    t.regex(await textOf(page.getByRole('alert')), /11 tokens, and the corrupted one 4[\s\S]*Do this:/)
    await box.fill(corrupted)
    await page.keyboard.press('Enter')
    const map = page.getByRole('application', { name: 'What each patch brings back, 4 by 11' })
    await map.waitFor()
    const best = async (text: string) =>
      Number((await model.trace(text, m => m.lm_head.output.select(0, 0).select(0, -1).argmax(-1))).item())
    const [answer, other] = [await best(clean), await best(corrupted)]
    const logits = (patch: boolean) =>
      model.session(async m => {
        const kept = await m.trace(clean, one => one.transformer.h[1].output.select(1, 10))
        return m.trace(corrupted, one => {
          if (patch) one.transformer.h[1].output.set([{}, 10], kept)
          const row = one.lm_head.output.select(0, 0).select(0, -1)
          return row.select(0, answer).sub(row.select(0, other))
        })
      })
    const expected = Number((await logits(true)).item())
    t.not(expected, Number((await logits(false)).item()))
    // What leaves layer 1 enters layer 2.
    await map.focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'End']) await page.keyboard.press(key)
    const readout = await textOf(page.locator('.readout'))
    t.true(shows(readout.split('logit difference ')[1], expected), readout)
    const all = await patchActivations(model, { clean, corrupted, metric: logitDifference(answer, other) })
    const recovered = (all.recovered.tolist() as number[][])[2][10]
    t.true(shows(/: (\S+) ·/.exec(readout.slice(readout.indexOf('token')))![1], recovered), readout)
    t.deepEqual(await violations(page), [])
    // The address patches again, and another part gives another map.
    t.regex(page.url(), /corrupted=KING\+HENRY/)
    await page.reload()
    await map.waitFor()
    await page.getByText('MLP', { exact: true }).click()
    await page.waitForFunction(
      before => document.querySelector('.stale') === null && document.querySelector('.verdict') !== before,
      null,
    )
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').waitFor()
    t.regex(
      await textOf(page.locator('.written')),
      /patchActivations\(model, \{ clean, corrupted, metric, part: 'mlp' \}\)/,
    )
    await page.keyboard.press('Escape')
    await page.setViewportSize({ width: 390, height: 844 })
    t.deepEqual(await overflow(page), [0, 0])
  })
})
