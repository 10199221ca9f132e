import { load, type Model, type Tensor, template } from 'onnsight'
import { run, start, testsAt } from './in-chromium.ts'
import {
  cellsOf,
  chars,
  floats,
  ids,
  inputs,
  loaded,
  numberIn,
  openPage,
  overflow,
  settled,
  shows,
  statistics,
  TEXT,
  textOf,
  violations,
} from './page.ts'
import { runProgram } from './run-program.ts'
import { view } from './viewing.ts'

// Tests the page of `onnsight view` with an edit: comparisons in every tab, the address, and Copy as code.

const path = 'examples/models/chars.onnx'
const EDIT = 'transformer.h[1].mlp.output[:, 3] *= 3'
const started = await start([path, '--vocab', 'examples/models/chars.vocab.json'], () => load(path))
const { browser, model } = started
const at = testsAt(started)

/** Traces the model without the edit and with it. */
const both = <R>(read: (m: Model) => R): Promise<[unedited: R, edited: R]> =>
  Promise.all([
    model.trace(inputs, read),
    model.trace(inputs, m => {
      m.transformer.h[1].mlp.output.set(':, 3', m.transformer.h[1].mlp.output.slice(':, 3').mul(3))
      return read(m)
    }),
  ]) as Promise<[R, R]>

const subtract = (edited: readonly number[], unedited: readonly number[]): number[] =>
  edited.map((value, i) => value - unedited[i])

at(
  'a module shows the unedited run, the edited run and the difference: statistics, histograms, maps and values',
  { module: 'transformer.h.2', text: TEXT, edit: EDIT },
  async (t, page) => {
    const [unedited, edited] = (await both(m => m.transformer.h[2].output)).map(floats)
    const sides = { unedited, edited, difference: subtract(edited, unedited) }
    for (const [name, values] of Object.entries(sides)) {
      const part = page
        .locator(`.numbers-head`)
        .locator('..')
        .and(page.locator(`[data-part=${name}]`))
      const shownStatistics = await part
        .locator('.statistics > div')
        .evaluateAll(all =>
          all.map(one => [one.querySelector('dt')!.textContent, one.querySelector('dd')!.textContent]),
        )
      const expected = statistics(values)
      t.deepEqual(
        shownStatistics.map(([label]) => label),
        ['min', 'max', 'mean', 'std'],
      )
      for (const [label, text] of shownStatistics) t.true(shows(text!, expected[label!]), `${name} ${label}: ${text}`)
      const counts = await part
        .locator('.histogram-bars span')
        .evaluateAll(all => all.map(one => Number((one as HTMLElement).title.split(': ')[1].replaceAll(',', ''))))
      if (name !== 'difference') t.deepEqual(counts, histogram(values), name)
      t.is(
        counts.reduce((sum, count) => sum + count, 0),
        values.length,
      )
    }
    // All three maps show the number of the cell at the position of the arrow keys.
    await page.getByRole('application', { name: 'Activation, 22 by 128, edited.' }).focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight'])
      await page.keyboard.press(key)
    const readouts = await page.locator('.numbers-head ~ .heat-map .readout').allTextContents()
    t.is(readouts.length, 3)
    for (const [i, values] of Object.values(sides).entries())
      t.true(shows(readouts[i].split(': ')[1], values[3 * 128 + 2]), readouts[i])
    // Enter chooses the row. Its values are listed with the largest changes first.
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^Token 3 / }).waitFor()
    await page.getByRole('combobox', { name: 'order' }).selectOption('magnitude')
    await settled(page)
    const rows = await cellsOf(page, '.compared-values')
    t.is(rows.length, 128)
    const change = sides.difference.slice(3 * 128, 4 * 128)
    t.is(Number(rows[0][0]), change.map(Math.abs).indexOf(Math.max(...change.map(Math.abs))))
    for (const [place, a, b, difference] of rows) {
      const i = 3 * 128 + Number(place)
      t.true(shows(a, unedited[i]) && shows(b, edited[i]), `${place}: ${a} ${b}`)
      t.true(Math.abs(numberIn(difference) - change[Number(place)]) < 1e-4, `${place}: ${difference}`)
    }
    // One channel at all tokens.
    await page.getByText('one channel', { exact: true }).click()
    await settled(page)
    await page.getByRole('spinbutton', { name: 'channel' }).fill('7')
    await page.keyboard.press('Tab')
    await page.getByRole('heading', { name: /^Channel 7/ }).waitFor()
    await settled(page)
    const column = await cellsOf(page, '.compared-values')
    t.is(column.length, 22)
    for (const [place, a] of column) t.true(shows(a, unedited[Number.parseInt(place, 10) * 128 + 7]), place)
    // Modules before the edit do not change.
    await page.locator('[role=treeitem][data-path="transformer.h.0"]').click()
    await page.getByText('The edit does not change this value.').waitFor()
  },
)

/** How many values are in each of 32 equal parts between the smallest and the largest. */
function histogram(values: readonly number[]): number[] {
  const [min, max] = [Math.min(...values), Math.max(...values)]
  const counts = new Array<number>(32).fill(0)
  for (const value of values) counts[Math.min(31, Math.floor(((value - min) / (max - min)) * 32))]++
  return counts
}

at(
  'the lens shows both runs in each cell, and marks the cells whose likeliest token changes',
  { tab: 'lens', text: TEXT, edit: EDIT, token: '3', layer: '3' },
  async (t, page) => {
    const read = (m: Model) =>
      m.transformer.h.modules
        .map(layer => m.lm_head(m.transformer.ln_f(layer.output)))
        .concat(m.lm_head.output)
        .map(logits => logits.select(0, 0).softmax(-1))
    const [unedited, edited] = (await both(read)).map(side => side.map(one => one.tolist() as number[][]))
    const best = (shares: readonly number[]): number => shares.indexOf(Math.max(...shares))
    const expected = edited.map((layer, l) => layer.map((shares, i) => best(shares) !== best(unedited[l][i])))
    const marked = await page
      .locator('.lens tbody tr')
      .evaluateAll(rows => rows.map(row => Array.from(row.querySelectorAll('td'), cell => 'changed' in cell.dataset)))
    t.deepEqual(marked, expected)
    t.true(expected.flat().includes(true) && expected.flat().includes(false))
    const count = expected.flat().filter(Boolean).length
    t.regex(await textOf(page.locator('.verdict')), new RegExp(`in ${count} of 110 cells`))
    t.regex(await textOf(page.locator('.best h3')), /transformer\.h\.3\s+after token 3 /)
    const rows = await cellsOf(page, '.best')
    t.true(rows.length >= 5)
    for (const [, id, a, b, difference] of rows) {
      const [was, is] = [unedited[3][3][Number(id)], edited[3][3][Number(id)]]
      t.true(Math.abs(Number(a) - was) < 0.51e-4 && Math.abs(Number(b) - is) < 0.51e-4, `${id}: ${a} ${b}`)
      t.true(Math.abs(numberIn(difference) - (is - was)) < 1.1e-4, `${id}: ${difference}`)
    }
    t.true(rows.some(([, id]) => Number(id) === best(unedited[3][3])))
    t.true(rows.some(([, id]) => Number(id) === best(edited[3][3])))
    // The unedited run alone has no marks.
    await page.getByText('Unedited', { exact: true }).click()
    await settled(page)
    t.is(await page.locator('[data-changed]').count(), 0)
  },
)

const rowsOfIds = [ids.slice(0, 8), ids.slice(8, 16)]

at(
  'attention: small maps of all heads for the chosen row of the batch, and how an edit changes them',
  { module: 'transformer', ids: JSON.stringify(rowsOfIds) },
  async (t, page) => {
    t.is(await page.locator('.head').count(), 16)
    await page.getByRole('combobox', { name: 'row of the batch' }).selectOption('1')
    await page.getByRole('button', { name: `Token 0: ${chars[rowsOfIds[1][0]]}` }).waitFor()
    await page.getByRole('button', { name: 'transformer.h.2.attn head 3' }).click()
    await page.getByRole('application', { name: 'Attention pattern of head 3, 8 by 8' }).waitFor()
    await settled(page)
    const batch = { input_ids: rowsOfIds }
    const softmax = (m: Model): Tensor => m.transformer.h[2].attn.ops.Softmax[0].output.select(0, 1)
    const plain = await model.trace(batch, softmax)
    const expected = (plain.tolist() as number[][][])[3]
    await page.getByText('Numbers', { exact: true }).click()
    const shownPattern = (await cellsOf(page, '.pattern-values')).map(row => row.slice(1, -1).map(Number))
    t.deepEqual(
      shownPattern,
      expected.map(row => row.map(value => Number(value.toFixed(4)))),
    )
    // The strongest cell of a small map is the largest of the pattern.
    const strongest = await page
      .getByRole('button', { name: 'transformer.h.2.attn head 3' })
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
        const strengths = Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3])
        return strengths.indexOf(Math.max(...strengths))
      })
    t.is(strongest, expected.flat().indexOf(Math.max(...expected.flat())))
    // The values are those of the same row of the batch.
    const value = await model.trace(batch, m => m.transformer.output.slice('1, 7'))
    const cells = await page.locator('.row-values td').allTextContents()
    t.true(cells.every((text, i) => shows(text, Number(value.data[i]))))
    // With an edit, each head shows by how much it changes.
    await page.getByRole('tab', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: /^Template/ }).fill(EDIT)
    await page.keyboard.press('Control+Enter')
    await page.locator('.predictions').waitFor()
    await page.getByRole('tab', { name: 'Module' }).click()
    await page.getByRole('heading', { name: 'edited − unedited' }).first().waitFor()
    await settled(page)
    const edited = await model.trace(batch, m => {
      m.transformer.h[1].mlp.output.set(':, 3', m.transformer.h[1].mlp.output.slice(':, 3').mul(3))
      return softmax(m)
    })
    const largest = subtract(floats(edited), floats(plain)).slice(3 * 64)
    const label = await textOf(page.getByRole('button', { name: 'transformer.h.2.attn head 3' }))
    t.true(shows(label.split('±')[1], Math.max(...largest.map(Math.abs))), label)
    t.is(await page.locator('.attention [data-part]').count(), 3)
  },
)

at(
  'the address has the whole state of the page: a reload shows it again, and Back returns to the state before',
  { text: TEXT },
  async (t, page) => {
    await page.locator('[role=treeitem][data-path="transformer.h"]').click()
    await page.getByRole('tab', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: /^Template/ }).fill(`${EDIT} # ü & #`)
    await page.keyboard.press('Control+Enter')
    await page.locator('.predictions').waitFor()
    await page.getByRole('button', { name: 'Token 5:' }).click()
    await settled(page)
    const table = await cellsOf(page, '.predictions')
    await page.reload()
    await loaded(page)
    t.is(await page.getByRole('textbox', { name: 'Text' }).inputValue(), TEXT)
    t.is(await page.getByRole('textbox', { name: /^Template/ }).inputValue(), `${EDIT} # ü & #`)
    t.deepEqual(await cellsOf(page, '.predictions'), table)
    await page.getByRole('tab', { name: 'Lens' }).click()
    await loaded(page)
    t.regex(await textOf(page.locator('.best h3')), /after token 5/)
    await page.goBack()
    await page.locator('.predictions').waitFor()
    t.is(await page.getByRole('tab', { name: 'Edit' }).getAttribute('aria-selected'), 'true')
    await page.goForward()
    await page.locator('.lens').waitFor()
    // An address with an unknown module shows an error and a way out.
    await page.evaluate(() => (location.hash = 'module=nothing.here&text=What'))
    await page.getByText('The model has no module').waitFor()
    await page.getByRole('button', { name: 'Show the whole model' }).click()
    await page.getByRole('heading', { name: 'model', exact: true }).waitFor()
  },
)

at(
  'the editor marks a mistake at its line and column until the text changes',
  { tab: 'edit', text: TEXT, edit: 'a = 1\nb = foo(3)' },
  async (t, page) => {
    const box = page.getByRole('textbox', { name: /^Template/ })
    t.is(await box.getAttribute('aria-invalid'), 'true')
    t.regex(await textOf(page.locator('#template-place')), /^Line 2, column 5\./)
    t.is(await textOf(page.locator('.editor-marks mark')), 'foo')
    t.is(await textOf(page.locator('.editor-lines .is-wrong')), '2')
    // The mark is at the position of the text.
    const [mark, area] = await Promise.all([page.locator('.editor-marks mark').boundingBox(), box.boundingBox()])
    t.true(Math.abs(mark!.y - (area!.y + 8 + 20)) < 4, `${mark!.y} ${area!.y}`)
    await page.getByRole('button', { name: 'Go there' }).click()
    const selected = await box.evaluate((one: HTMLTextAreaElement) =>
      one.value.slice(one.selectionStart, one.selectionEnd),
    )
    t.is(selected, 'foo')
    await page.keyboard.type('sqrt')
    t.is(await box.inputValue(), 'a = 1\nb = sqrt(3)')
    t.is(await page.locator('.editor-marks mark').count(), 0)
    t.is(await box.getAttribute('aria-invalid'), 'false')
  },
)

at(
  'Copy as code: the program runs and computes what the page shows',
  { module: 'transformer.h.2.attn', text: TEXT, edit: EDIT, node: '/transformer/h.2/attn/Softmax', head: '2' },
  async (t, page) => {
    const [unedited, edited] = await both(m => ({
      value: m.transformer.h[2].attn.output,
      attention: m.transformer.h[2].attn.ops.Softmax[0].output.select(0, 0).select(0, 2),
    }))
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const code = await page.evaluate(() => navigator.clipboard.readText())
    const copied = await runProgram<{ unedited: typeof unedited; edited: typeof edited }>(code, ['unedited', 'edited'])
    for (const name of ['value', 'attention'] as const) {
      t.deepEqual(floats(copied.unedited[name]), floats(unedited[name]))
      t.deepEqual(floats(copied.edited[name]), floats(edited[name]))
    }
    await page.getByText('Template', { exact: true }).click()
    const text = await textOf(page.locator('.written'))
    const saved = await model.trace(inputs, template(Object.assign([text], { raw: [text] })))
    t.deepEqual(floats(saved.value), floats(edited.value))
    t.deepEqual(floats(saved.attention), floats(edited.attention))
    await page.keyboard.press('Escape')
    // The code for the lens calls the head’s modules on each layer.
    await page.getByText('Unedited', { exact: true }).click()
    await page.getByRole('tab', { name: 'Lens' }).click()
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').waitFor()
    await page.getByText('TypeScript', { exact: true }).click()
    const lens = await runProgram<{ values: Record<string, Tensor> }>(await textOf(page.locator('.written')), [
      'values',
    ])
    const expected = await model.trace(inputs, m =>
      m.lm_head(m.transformer.ln_f(m.transformer.h[1].output)).softmax(-1),
    )
    t.deepEqual(Object.keys(lens.values), ['layer0', 'layer1', 'layer2', 'layer3'])
    t.deepEqual(floats(lens.values.layer1), floats(expected))
  },
)

at('shortcuts of a single key work, and can be switched off', { text: TEXT, edit: EDIT }, async (t, page) => {
  const tab = (): Promise<string> => textOf(page.locator('[role=tab][aria-selected=true]'))
  await page.locator('body').press('l')
  t.is(await tab(), 'Lens')
  await page.keyboard.press('[')
  await page.locator('[data-token="20"][aria-pressed=true]').waitFor()
  await page.keyboard.press('u')
  t.true(await page.getByRole('radio', { name: 'Unedited' }).isChecked())
  await page.keyboard.press('e')
  await page.waitForFunction(() => document.activeElement?.id === 'template')
  // In a text field they are letters.
  await page.keyboard.press('m')
  t.is(await tab(), 'Edit')
  t.true((await page.getByRole('textbox', { name: /^Template/ }).inputValue()).includes('m'))
  await page.getByRole('tab', { name: 'Edit' }).focus()
  await page.keyboard.press('/')
  t.is(await page.evaluate(() => document.activeElement?.id), 'filter')
  await page.getByRole('button', { name: 'Keys' }).click()
  await page.getByRole('checkbox', { name: 'Single keys are shortcuts' }).uncheck()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('tab', { name: 'Edit' }).focus()
  await page.keyboard.press('l')
  t.is(await tab(), 'Edit')
})

run('when the command ends, the page says so and what to do', async t => {
  t.timeout(120_000)
  const own = await view([path])
  const { page, context } = await openPage(browser, own.url, 'light')
  await own.end()
  const alert = page.getByRole('alert')
  await alert.waitFor()
  t.regex(await textOf(alert), /The command has ended[\s\S]*Do this: start it again/)
  await context.close()
})

for (const scheme of ['light', 'dark'] as const) {
  at(
    `side by side: axe finds no serious problem, and the page fits into 390 pixels, ${scheme}`,
    { module: 'transformer.h.2.attn', text: TEXT, edit: EDIT },
    async (t, page) => {
      for (const tab of ['Module', 'Lens']) {
        await page.getByRole('tab', { name: tab }).click()
        await loaded(page)
        t.deepEqual(await violations(page), [], tab)
      }
      await page.getByRole('button', { name: 'Copy as code' }).click()
      await page.locator('.written').waitFor()
      t.deepEqual(await violations(page), [], 'code')
      await page.keyboard.press('Escape')
      await page.keyboard.press('?')
      t.deepEqual(await violations(page), [], 'keys')
      await page.keyboard.press('Escape')
      await page.setViewportSize({ width: 390, height: 844 })
      for (const tab of ['Module', 'Lens', 'Edit']) {
        await page.getByRole('tab', { name: tab }).click()
        await loaded(page)
        t.deepEqual(await overflow(page), [0, 0], tab)
      }
    },
    scheme,
  )
}
