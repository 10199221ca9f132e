import { load } from 'onnsight'
import { type Attributions, ablate, gradientTimesInput, logProbability } from 'onnsight/study'
import { near } from '../near.ts'
import { start, testsAt } from './in-chromium.ts'
import { cellsOf, ids, inputs, settled, shows, TEXT, textOf, violations } from './page.ts'
import { runProgram } from './run-program.ts'

// Tests the tab that says why a token is predicted.

const path = 'examples/models/chars.onnx'
const started = await start([path], () => load(path))
const at = testsAt(started)

at(
  'shares of tokens and ablated parts are those of the studies; a part leads to the lens without it',
  { tab: 'importance', text: TEXT, token: '5' },
  async (t, page) => {
    const { model } = started
    const metric = logProbability(ids[6], { position: 5 })
    const { values } = await gradientTimesInput(model, inputs, { metric })
    const expected = values.tolist() as number[]
    const shown = await cellsOf(page, '.look-values')
    t.is(shown.length, 6)
    for (const [, position, share] of shown) t.true(shows(share, expected[Number(position)]), `${position}: ${share}`)
    t.deepEqual(
      shown.map(([, position]) => Number(position)),
      [0, 1, 2, 3, 4, 5].toSorted((a, b) => Math.abs(expected[b]) - Math.abs(expected[a])),
    )
    // The program for it finds the same shares.
    await page.getByRole('button', { name: 'Copy as code' }).click()
    const { printed } = await runProgram(await textOf(page.locator('.written')), ['prompt'])
    await page.keyboard.press('Escape')
    t.true(near((printed[0] as Attributions).values, values))
    await page.getByRole('button', { name: 'Ablate each part' }).click()
    const map = page.getByRole('application', { name: /^What the model loses/ })
    await map.waitFor()
    await settled(page)
    t.deepEqual(await violations(page), [])
    const { effects } = await ablate(model, inputs, { metric, part: 'head' })
    await map.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    const readout = await textOf(page.locator('.readout').last())
    const [, name, effect] = /^(.*): (.*)$/.exec(readout)!
    t.is(name, 'layer 1 · head 1')
    t.true(shows(effect, (effects.tolist() as number[][])[1][1]), readout)
    await page.keyboard.press('Enter')
    await page.getByText(/^The edit changes the likeliest token in|^The edit does not change/).waitFor()
    t.regex(await textOf(page.locator('.current-edit')), /transformer\.h\[1\]\.heads\[1\]\.z = 0/)
  },
)
