import test, { type ExecutionContext } from 'ava'
import { load, type Model, template } from 'onnsight'
import type { Browser, Page } from 'playwright-core'
import { chromiumPath, launch } from '../browser/site.ts'
import { run } from './in-chromium.ts'
import {
  cellsOf,
  chars,
  choose,
  enterText,
  floats,
  inputs,
  item,
  loaded,
  numberIn,
  openPage,
  overflow,
  type Scheme,
  settled,
  shows,
  statistics,
  statisticsOf,
  TEXT,
  testPage,
  textOf,
  violations,
} from './page.ts'
import { type Viewing, view } from './viewing.ts'

// Drives the page of `onnsight view` in Chromium and compares its numbers with those of traces.

const resnetPath = 'test/fixtures/names/resnet.onnx'

let viewing!: Viewing
let images!: Viewing
let model!: Model
let browser!: Browser

test.before(async t => {
  t.timeout(120_000)
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  ;[viewing, images, model, browser] = await Promise.all([
    view(['examples/models/chars.onnx', '--vocab', 'examples/models/chars.vocab.json']),
    view([resnetPath]),
    load('examples/models/chars.onnx'),
    launch(),
  ])
})
test.after.always(async () => {
  await browser?.close()
  await Promise.all([viewing?.end(), images?.end(), model?.release()])
})

/** Declares a test on a new page. It fails if the console has an error, or if the page sends a request to another address. */
function onPage(
  title: string,
  which: () => Viewing,
  body: (t: ExecutionContext, page: Page) => Promise<void>,
  scheme: Scheme = 'light',
): void {
  run(title, t => testPage(t, browser, { url: which().url, scheme }, page => body(t, page)))
}

onPage(
  'the statistics and values of a module equal those of a trace',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await choose(page, 'transformer.h.1')
    await page.locator('.row-values td').first().waitFor()
    const expected = await model.trace(inputs, m => m.transformer.h[1].output)
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(expected))))
      t.true(shows(shown[name], value), `${name}: ${shown[name]} for ${value}`)
    t.regex(await textOf(page.locator('.values-list')), /output[\s\S]*float32[\s\S]*\[1, 22, 128\][\s\S]*input/)
    for (const token of [21, 3]) {
      await page.getByRole('button', { name: `Token ${token}:` }).click()
      await page.getByRole('heading', { name: new RegExp(`^Token ${token} `) }).waitFor()
      await settled(page)
      const cells = await page
        .locator('.row-values td')
        .evaluateAll(all =>
          all.map(cell => [Number((cell as HTMLElement).dataset.place), cell.textContent ?? ''] as const),
        )
      const values = floats(expected).slice(128 * token, 128 * (token + 1))
      t.is(cells.length, 128)
      for (const [place, text] of cells) t.true(shows(text, values[place]), `token ${token}, channel ${place}: ${text}`)
    }
    await page.getByRole('combobox', { name: 'order' }).selectOption('magnitude')
    await settled(page)
    const first = await page.locator('.row-values td').first().getAttribute('data-place')
    const values = floats(expected).slice(128 * 3, 128 * 4)
    t.is(Number(first), values.map(Math.abs).indexOf(Math.max(...values.map(Math.abs))))
  },
)

onPage(
  'the heat map shows the number of the cell under the pointer, and at the position of the arrow keys',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await choose(page, 'transformer.ln_f')
    const expected = floats(await model.trace(inputs, m => m.transformer.ln_f.output))
    const map = page.getByRole('application', { name: 'Activation, 22 by 128' })
    await map.focus()
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowRight'])
      await page.keyboard.press(key)
    const [, at, channel, value] = /^token (\d+) “.+” · channel (\d+): (\S+)$/.exec(
      await textOf(page.locator('.readout').first()),
    )!
    t.deepEqual([at, channel], ['2', '3'])
    t.true(shows(value, expected[2 * 128 + 3]), value)
    const box = (await map.boundingBox())!
    await page.mouse.move(box.x + (box.width * 100.5) / 128, box.y + (box.height * 7.5) / 22)
    t.regex(await textOf(page.locator('.readout').first()), /^token 7 “g” · channel 100: /)
    const shownValues = numberIn((await textOf(page.locator('.readout').first())).split(': ')[1])
    t.true(Math.abs(shownValues - expected[7 * 128 + 100]) < 1e-3)
    // Numbers of both signs are red and blue around 0; the largest hundredth has the colours at the ends.
    const colours = await map.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      return { size: [canvas.width, canvas.height], data: Array.from(data) }
    })
    t.deepEqual(colours.size, [128, 22])
    const colourOf = (i: number) => colours.data.slice(4 * i, 4 * i + 3)
    const sizes = expected.map(Math.abs).toSorted((a, b) => a - b)
    const limit = sizes[Math.ceil(0.99 * sizes.length) - 1]
    t.true(limit < sizes.at(-1)!)
    for (const [i, value] of expected.entries()) {
      const alpha = Math.round(255 * Math.min(1, Math.abs(value) / limit))
      // The canvas rounds colours that are nearly transparent.
      if (alpha > 40) t.true(colourOf(i)[0] > colourOf(i)[2] === value > 0, `${i}: ${value}`)
      t.true(Math.abs(colours.data[4 * i + 3] - alpha) <= 1, `${i}: ${colours.data[4 * i + 3]} for ${alpha}`)
    }
    const ends = (await textOf(page.locator('.colour-bar').first())).split('≥')
    t.true(shows(ends[1].trim(), limit), ends[1])
  },
)

onPage(
  'the attention pattern of a head equals that of a trace, and its rows add up to 1',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await choose(page, 'transformer.h.1.attn')
    const expected = await model.trace(inputs, m => m.transformer.h[1].attn.ops.Softmax[0].output)
    t.deepEqual(expected.dims, [1, 4, 22, 22])
    await page.getByText('Numbers', { exact: true }).click()
    for (const head of [0, 2]) {
      await page.getByRole('combobox', { name: 'head' }).selectOption(String(head))
      await page.getByRole('application', { name: `Attention pattern of head ${head}, 22 by 22` }).waitFor()
      await settled(page)
      const rows = await cellsOf(page, '.pattern-values')
      t.is(rows.length, 22)
      const pattern = (expected.tolist() as number[][][][])[0][head]
      for (const [i, [token, ...cells]] of rows.entries()) {
        t.is(token, TEXT[i].replace(' ', '␣'))
        const numbers = cells.map(Number)
        t.is(numbers.pop(), 1)
        t.true(Math.abs(numbers.reduce((sum, value) => sum + value, 0) - 1) < 22 * 0.5e-4)
        for (const [j, value] of numbers.entries())
          t.true(Math.abs(value - pattern[i][j]) <= 0.51e-4, `${head} ${i} ${j}`)
      }
    }
  },
)

onPage(
  'what is shown follows the text while it is typed: the last text wins, and none but it is run when keys come fast',
  () => viewing,
  async (t, page) => {
    const box = page.getByRole('textbox', { name: 'Text' })
    await page.locator('.head-grid').waitFor()
    await settled(page)
    const [states, asked]: [number, string[]] = [await page.evaluate(() => history.length), []]
    // Runs take no time, whatever else this machine does.
    await page.evaluate(() => (performance.now = () => 1))
    // Answers that come late must not stop the keys, nor replace later ones.
    await page.route('**/api/*', async route => {
      const { text = '' } = (route.request().postDataJSON() ?? {}) as { text?: string }
      if (route.request().url().endsWith('/tokens')) asked.push(text)
      await new Promise(done => setTimeout(done, text === 'What' ? 400 : 0))
      await route.continue()
    })
    await box.fill('')
    await box.pressSequentially('What', { delay: 10 })
    await page.waitForTimeout(320)
    // The run has not moved the cursor.
    for (const key of ' light') await page.keyboard.press(key, { delay: 10 })
    await page.getByRole('heading', { name: /after token 9/ }).waitFor()
    await loaded(page)
    t.is(await box.inputValue(), 'What light')
    t.deepEqual(asked, ['What', 'What light'])
    const best = await model.trace({ input_ids: [[...'What light'].map(char => chars.indexOf(char))] }, m =>
      m.lm_head.output.select(0, 0).select(0, -1).softmax(-1).topk(1),
    )
    const [[, id, share]] = await cellsOf(page, '.overview')
    t.is(Number(id), Number(best.indices.data[0]))
    t.true(shows(share, Number(best.values.data[0])), share)
    // Typing adds nothing to the browser's history, and the address has the text.
    t.is(await page.evaluate(() => history.length), states)
    t.true(page.url().includes('text=What+light'))
    // If runs are slow, a run follows Enter alone.
    await page.evaluate(() => {
      let now = 1
      performance.now = () => (now += 2000)
    })
    await box.fill('What l')
    await page.getByRole('heading', { name: /after token 5/ }).waitFor()
    await loaded(page)
    await box.fill('What li')
    await page.getByText('does not follow each key').waitFor()
    t.is(await page.locator('.token').count(), 6)
    await page.getByRole('checkbox', { name: 'as I type' }).uncheck()
    await box.fill('What')
    await page.waitForTimeout(400)
    t.is(await page.locator('.token').count(), 6)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /after token 3/ }).waitFor()
    t.is(await page.locator('.token').count(), 4)
    await page.evaluate(() => localStorage.clear())
  },
)

onPage(
  'the lens applies the head to the output of each layer, and its last row is the model’s own prediction',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await page.getByRole('tab', { name: 'Lens' }).click()
    await page.locator('.lens td').first().waitFor()
    t.regex(await textOf(page.locator('[role=tabpanel]:not([hidden]) .meta')), /transformer\.ln_f, lm_head/)
    const lens = await model.trace(inputs, m =>
      m.transformer.h.modules
        .map(layer => m.lm_head(m.transformer.ln_f(layer.output)))
        .concat(m.lm_head.output)
        .map(logits => logits.select(0, 0).softmax(-1).topk(5)),
    )
    const rows = await cellsOf(page, '.lens')
    t.is(rows.length, 5)
    for (const [i, [name, ...cells]] of rows.entries()) {
      t.is(name, i === 4 ? 'model' : `h.${i}`)
      const best = (lens[i].indices.tolist() as number[][]).map(([id]) =>
        chars[id].replace(' ', '␣').replace('\n', '⏎'),
      )
      const shares = (lens[i].values.tolist() as number[][]).map(([share]) => `${Math.round(100 * share)}%`)
      t.deepEqual(
        cells.map(cell => cell.replace(/ #\S+$/, '')),
        best.map((text, at) => text + shares[at]),
        name,
      )
    }
    t.deepEqual(rows[3].slice(1), rows[4].slice(1))
    // Arrow keys go from cell to cell, and a table lists all tokens of the cell.
    await page.locator('.lens button[tabindex="0"]').focus()
    for (const key of ['ArrowUp', 'ArrowUp', 'ArrowUp', 'ArrowLeft']) await page.keyboard.press(key)
    t.regex(await textOf(page.locator('.best h3')), /transformer\.h\.1\s+after token 20 “o”/)
    const shownValues = await cellsOf(page, '.best')
    t.deepEqual(
      shownValues.map(([, id, probability]) => [Number(id), Number(probability)]),
      (lens[1].indices.tolist() as number[][])[20].map((id, rank) => [
        id,
        Number((lens[1].values.tolist() as number[][])[20][rank].toFixed(4)),
      ]),
    )
  },
)

onPage(
  'the tab Edit shows the numbers of the unedited and of the edited run, which equal those of traces',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await page.getByRole('tab', { name: 'Edit' }).click()
    const text = 'transformer.h[1].mlp.output[:, -1] *= 3\nsave h = transformer.h[2].output\nprint("here")'
    await page.getByRole('textbox', { name: /^Template/ }).fill(text)
    await page.keyboard.press('Control+Enter')
    await page.locator('.predictions tbody tr').first().waitFor()
    for (const position of [21, 5]) {
      await page.getByRole('button', { name: `Token ${position}:` }).click()
      await page.getByRole('heading', { name: new RegExp(`^Next token after token ${position} `) }).waitFor()
      await settled(page)
      const unedited = await model.trace(inputs, m => m.lm_head.output.slice(`0, ${position}`))
      const edited = await model.trace(inputs, m => {
        m.transformer.h[1].mlp.output.set(':, -1', m.transformer.h[1].mlp.output.slice(':, -1').mul(3))
        return m.lm_head.output.slice(`0, ${position}`)
      })
      const [before, after] = [floats(unedited), floats(edited)]
      const [was, is] = [floats(await unedited.softmax(-1).value()), floats(await edited.softmax(-1).value())]
      // The edit changes the last token, which earlier tokens can't see.
      t.is(
        before.every((value, i) => Math.abs(value - after[i]) < 1e-5),
        position === 5,
      )
      const rows = await page
        .locator('.predictions tbody tr')
        .evaluateAll(all =>
          all.map(
            row =>
              [
                Number((row as HTMLElement).dataset.id),
                Array.from(row.children, cell => cell.textContent ?? ''),
              ] as const,
          ),
        )
      t.true(rows.length >= 10)
      const likeliest = is.indexOf(Math.max(...is))
      t.true(rows.some(([id]) => id === likeliest))
      for (const [id, [token, a, b, difference, p, q]] of rows) {
        t.is(token, chars[id].replace(' ', '␣').replace('\n', '⏎'))
        t.true(shows(a, before[id]) && shows(b, after[id]), `${token}: ${a} ${b}`)
        t.true(Math.abs(numberIn(difference) - (after[id] - before[id])) < 1e-3, `${token}: ${difference}`)
        t.true(Math.abs(Number(p) - was[id]) < 1e-4 && Math.abs(Number(q) - is[id]) < 1e-4, `${token}: ${p} ${q}`)
      }
    }
    t.is(await textOf(page.locator('.printed')), 'here')
    const { h } = await model.trace(
      inputs,
      template`
    transformer.h[1].mlp.output[:, -1] *= 3
    save h = transformer.h[2].output`,
    )
    const saved = await textOf(page.locator('.saved[data-name=h]'))
    t.true(saved.includes('float32 [1, 22, 128]'))
    t.true(shows(/max(\S+?)mean/.exec(saved)![1], Math.max(...floats(h))), saved)
    // The tab Module can show the edited run.
    await page.getByRole('tab', { name: 'Module' }).click()
    await choose(page, 'transformer.h.2')
    const plain = statistics(floats(await model.trace(inputs, m => m.transformer.h[2].output)))
    await page.locator('.statistics').first().waitFor()
    t.true(shows((await statisticsOf(page)).std, plain.std))
    await page.getByText('Edited', { exact: true }).click()
    await settled(page)
    const changed = statistics(floats(h))
    t.not(changed.std.toPrecision(5), plain.std.toPrecision(5))
    t.true(shows((await statisticsOf(page)).std, changed.std))
  },
)

onPage(
  'a template with a syntax error shows its code frame, with a mark under the column',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await page.getByRole('tab', { name: 'Edit' }).click()
    const box = page.getByRole('textbox', { name: /^Template/ })
    await box.fill('a = 1\ntransformer.h[1] mlp = 0')
    await page.getByRole('button', { name: 'Run edit' }).click()
    const alert = page.getByRole('alert')
    await alert.waitFor()
    const lines = (await textOf(alert.locator('pre'))).split('\n')
    const at = lines.findIndex(line => line.includes('^'))
    t.is(lines[at - 1].slice(lines[at].indexOf('^')), 'mlp = 0')
    t.regex(await textOf(alert), /Do this:/)
    t.is(await box.getAttribute('aria-invalid'), 'true')
    await box.fill('transformer.h[1].mlp.output = 0')
    await page.getByRole('button', { name: 'Run edit' }).click()
    await page.locator('.predictions').waitFor()
    t.is(await alert.count(), 0)
  },
)

onPage(
  'a text that the vocabulary can’t encode is refused; token ids are accepted instead',
  () => viewing,
  async (t, page) => {
    await page.getByRole('textbox', { name: 'Text' }).fill('naïve')
    await page.keyboard.press('Enter')
    t.regex(await textOf(page.getByRole('alert')), /ï/)
    await page.getByText('Token ids', { exact: true }).click()
    await page.getByRole('textbox', { name: /^Token ids/ }).fill('18, x')
    await page.keyboard.press('Enter')
    await page.getByText('“x” is not a token id').waitFor()
    await page.getByRole('textbox', { name: /^Token ids/ }).fill('[[18, 47, 56]]')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: `Token 1: ${chars[47]}` }).waitFor()
    t.is(await page.locator('.token').count(), 3)
    t.is(await page.getByRole('alert').count(), 0)
  },
)

onPage(
  'the keys of the tree work as the WAI-ARIA pattern says',
  () => viewing,
  async (t, page) => {
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement).dataset.path)
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
      return focused()
    }
    await page.getByRole('searchbox').focus()
    t.is(await press('Tab'), '')
    t.is(await press('ArrowDown', 'ArrowDown'), 'transformer.wte')
    t.is(await press('End'), 'lm_head')
    t.is(await press('Home'), '')
    t.is(await press('ArrowLeft'), '')
    t.is(await item(page, '').getAttribute('aria-expanded'), 'false')
    t.is(await page.getByRole('treeitem').count(), 1)
    t.is(await press('ArrowRight', 'ArrowRight'), 'transformer')
    // A letter goes to the next name that begins with it.
    t.is(await press('h'), 'transformer.h')
    t.is(await press('ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowRight'), 'transformer.h.1.ln_1')
    t.is(await press('ArrowLeft'), 'transformer.h.1')
    t.is(await press('ArrowLeft', 'ArrowLeft'), 'transformer.h')
    t.is(await press('Enter'), 'transformer.h')
    t.is(await item(page, 'transformer.h').getAttribute('aria-selected'), 'true')
    await page.getByRole('heading', { name: 'transformer.h', exact: true }).waitFor()
    t.is(await item(page, 'transformer.h').getAttribute('aria-level'), '3')
    t.is(await page.locator('[role=treeitem][tabindex="0"]').count(), 1)
    t.is(await page.getByRole('treeitem', { name: 'lm_head 8.3k parameters 33.3 kB' }).count(), 1)
  },
)

onPage(
  'the filter shows the modules that match, and the modules that contain them',
  () => viewing,
  async (t, page) => {
    await page.getByRole('searchbox').fill('2.mlp.c_')
    const paths = await page.getByRole('treeitem').evaluateAll(all => all.map(one => (one as HTMLElement).dataset.path))
    t.deepEqual(paths, [
      '',
      'transformer',
      'transformer.h',
      'transformer.h.2',
      'transformer.h.2.mlp',
      'transformer.h.2.mlp.c_fc',
      'transformer.h.2.mlp.c_proj',
    ])
    await page.getByRole('searchbox').fill('nothing')
    await page.getByText('No module or operation matches the filter.').waitFor()
    t.is(await page.getByRole('treeitem').count(), 0)
  },
)

onPage(
  'a run can be cancelled, and the next one works',
  () => viewing,
  async (t, page) => {
    await enterText(page)
    await page.getByRole('tab', { name: 'Edit' }).click()
    await page
      .getByRole('textbox', { name: /^Template/ })
      .fill('h = full([1500, 1500], 0.001)\nfor i in 0:400\n  h = tanh(h @ h)\nsave x = h.sum()')
    await page.getByRole('button', { name: 'Run edit' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    t.regex(await textOf(page.getByRole('alert')), /cancelled/)
    await page.getByRole('textbox', { name: /^Template/ }).fill('transformer.h[1].output = 0')
    await page.getByRole('button', { name: 'Run edit' }).click()
    await page.locator('.predictions').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' })
  },
)

onPage(
  'a model without logits has fields for its inputs, and its outputs are compared by statistics',
  () => images,
  async (t, page) => {
    const values = Array.from({ length: 108 }, (_, i) => Number(Math.sin(i).toFixed(4)))
    const nested = [0, 1, 2].map(c => [0, 1, 2, 3, 4, 5].map(y => values.slice(36 * c + 6 * y, 36 * c + 6 * y + 6)))
    await page.getByRole('combobox', { name: 'Value of image' }).selectOption('json')
    await page.getByRole('textbox', { name: 'JSON of image' }).fill(JSON.stringify([nested]))
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    const resnet = await load(resnetPath)
    t.teardown(() => resnet.release())
    const image = { image: [nested] }
    await choose(page, 'layer1.0.relu')
    await page.locator('.statistics').first().waitFor()
    const conv = await resnet.trace(image, m => m.child('layer1')[0].relu.output)
    const shown = await statisticsOf(page)
    for (const [name, value] of Object.entries(statistics(floats(conv))))
      t.true(shows(shown[name], value), `${name}: ${shown[name]}`)
    // The map shows one channel; choose another one.
    await page.getByRole('spinbutton', { name: 'axis 1, channel' }).fill('3')
    await page.keyboard.press('Tab')
    await settled(page)
    await page.getByRole('spinbutton', { name: 'row' }).fill('2')
    await page.keyboard.press('Tab')
    await page.getByRole('heading', { name: /^Row 2/ }).waitFor()
    await settled(page)
    const [[, ...cells]] = await cellsOf(page, '.row-values')
    const expectedRow = (conv.tolist() as number[][][][])[0][3][2]
    t.is(cells.length, 6)
    for (const [i, cell] of cells.entries()) t.true(shows(cell, expectedRow[i]), `${i}: ${cell} for ${expectedRow[i]}`)

    // There is no tab that could only say why it is empty.
    t.deepEqual(await page.getByRole('tab').allTextContents(), ['Overview', 'Module', 'Edit'])
    await page.getByRole('tab', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: /^Template/ }).fill('layer1[0].relu.output = 1')
    await page.getByRole('button', { name: 'Run edit' }).click()
    await page.locator('.output-statistics').waitFor()
    const unedited = floats((await resnet.run(image)).result)
    const edited = floats(
      await resnet.trace(image, m => {
        m.child('layer1')[0].relu.output = 1 as never
        return m.output
      }),
    )
    const sides = [statistics(unedited), statistics(edited), statistics(edited.map((value, i) => value - unedited[i]))]
    for (const [name, ...texts] of await cellsOf(page, '.output-statistics'))
      for (const [i, text] of texts.entries())
        t.true(shows(text, sides[i][name]), `${name}: ${text} for ${sides[i][name]}`)
    const [, after, change] = await cellsOf(page, '.first-values')
    t.true(
      after.slice(1).every((text, i) => shows(text, edited[i])),
      String(after),
    )
    t.true(
      change.slice(1).every((text, i) => shows(text, edited[i] - unedited[i])),
      String(change),
    )
  },
)

for (const scheme of ['light', 'dark'] as const) {
  onPage(
    `axe finds no serious problem, ${scheme}`,
    () => viewing,
    async (t, page) => {
      t.deepEqual(await violations(page), [], 'at first')
      await enterText(page)
      await choose(page, 'transformer.h.1.attn')
      await page.locator('.row-values td').first().waitFor()
      await page.getByText('Numbers', { exact: true }).click()
      t.deepEqual(await violations(page), [], 'module')
      await page.getByRole('tab', { name: 'Lens' }).click()
      await page.locator('.lens td').first().waitFor()
      t.deepEqual(await violations(page), [], 'lens')
      await page.getByRole('tab', { name: 'Edit' }).click()
      await page
        .getByRole('textbox', { name: /^Template/ })
        .fill('transformer.h[1].mlp.output = 0\nsave h = transformer.h[2].output')
      await page.keyboard.press('Control+Enter')
      await page.locator('.predictions').waitFor()
      t.deepEqual(await violations(page), [], 'edit')
      await page.getByRole('textbox', { name: /^Template/ }).fill('no (')
      await page.keyboard.press('Control+Enter')
      await page.getByRole('alert').waitFor()
      t.deepEqual(await violations(page), [], 'error')
      const { page: other, context, problems } = await openPage(browser, images.url, scheme)
      await other.locator('.stages').waitFor()
      t.deepEqual(await violations(other), [], 'overview of images')
      await other.getByRole('tab', { name: 'Module' }).click()
      await other.locator('.row-values td').first().waitFor()
      await settled(other)
      t.deepEqual(await violations(other), [], 'no logits')
      t.deepEqual(problems, [])
      await context.close()
    },
    scheme,
  )

  onPage(
    `the page fits into 800 pixels, ${scheme}`,
    () => viewing,
    async (t, page) => {
      await page.setViewportSize({ width: 800, height: 700 })
      await enterText(page)
      await choose(page, 'transformer.h.1.attn')
      await page.locator('.row-values td').first().waitFor()
      for (const tab of ['Module', 'Lens', 'Edit']) {
        await page.getByRole('tab', { name: tab }).click()
        await settled(page)
        t.deepEqual(await overflow(page), [0, 0], tab)
      }
    },
    scheme,
  )
}

run('a problem is shown once, and none of the last input stays when the next one can’t be read', async t => {
  await testPage(t, browser, { url: viewing.url, scheme: 'light' }, async page => {
    await loaded(page)
    const box = page.getByRole('textbox', { name: 'Text' })
    const problems = page.locator('.problem')
    await box.fill('a'.repeat(200))
    await page.keyboard.press('Enter')
    await problems.first().waitFor()
    await settled(page)
    t.is(await problems.count(), 1)
    t.regex(await textOf(problems), /^input_ids makes 200 tokens, but the model has only 128 positions/)
    await box.fill('To be é')
    await page.keyboard.press('Enter')
    await page.getByText(/has no "é"/).waitFor()
    await settled(page)
    t.is(await problems.count(), 1)
    await box.fill('To be')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Token 4: e' }).waitFor()
    await settled(page)
    t.is(await problems.count(), 0)
    t.is(await page.locator('.overview-split').count(), 1)
  })
})
