import { LanguageModel, load, template } from 'onnsight'
import { run, start, testsAt } from './in-chromium.ts'
import { cellsOf, ids, inputs, overflow, settled, TEXT, textOf, violations } from './page.ts'
import { view } from './viewing.ts'

// Tests the tabs Lens and Attention of the page against traces.

const path = 'examples/models/chars.onnx'
const started = await start([path], () => load(path))
const { model } = started
const at = testsAt(started)

at(
  'the lens shows the rank of the next token of the text, or of the model’s prediction, in each layer',
  { tab: 'lens', text: TEXT, token: '3', layer: '1' },
  async (t, page) => {
    const layers = await model.trace(inputs, m =>
      m.transformer.h.modules
        .map(layer => m.lm_head(m.transformer.ln_f(layer.output)))
        .concat(m.lm_head.output)
        .map(logits => logits.select(0, 0).softmax(-1)),
    )
    const shares = layers.map(layer => layer.tolist() as number[][])
    const best = (row: readonly number[]): number => row.indexOf(Math.max(...row))
    const own = shares.at(-1)!.map(best)
    const shownRanks = () =>
      page
        .locator('.lens tbody tr')
        .evaluateAll(rows =>
          rows.map(row => Array.from(row.querySelectorAll('.rank'), one => Number(one.textContent!.slice(1)))),
        )
    const ranks = (targets: readonly number[]) =>
      shares.map(layer => layer.map((row, i) => 1 + row.filter(share => share > row[targets[i]]).length))
    const next = [...ids.slice(1), own.at(-1)!]
    t.deepEqual(await shownRanks(), ranks(next))
    t.regex(await textOf(page.locator('.followed')), /the next token of the text, has rank/)
    await page.getByText('Model’s prediction', { exact: true }).click()
    await settled(page)
    t.deepEqual(await shownRanks(), ranks(own))
    t.notDeepEqual(ranks(own), ranks(next))
    t.true((await shownRanks()).at(-1)!.every(rank => rank === 1))
    t.regex(page.url(), /follow=model/)
    // The code of a cell computes its tokens.
    await page.getByRole('button', { name: 'Code of this cell' }).click()
    const dialog = page.getByRole('dialog').last()
    await dialog.locator('.written').waitFor()
    t.regex(await textOf(dialog.locator('.written')), /h\[1\]\.output[\s\S]*\.select\(0, 3\)\.topk\(5\)/)
    await dialog.getByText('Template', { exact: true }).click()
    const written = await textOf(dialog.locator('.written'))
    const { ids: found } = (await model.trace(
      inputs,
      template(Object.assign([written], { raw: [written] })) as never,
    )) as never as {
      ids: { tolist(): unknown[] }
    }
    const listed = (await cellsOf(page, '.best')).map(([, id]) => Number(id))
    t.deepEqual(found.tolist().map(Number), listed)
  },
)

at(
  'attention: the grid has all heads, and the chosen one shows where each token looks, as a trace has it',
  { tab: 'attention', text: TEXT },
  async (t, page) => {
    t.is(await page.locator('.head-grid .head').count(), 16)
    const beyond = () => page.evaluate(() => document.documentElement.scrollHeight - innerHeight)
    t.is(await beyond(), 0)
    await page.getByRole('button', { name: 'transformer.h.2.attn head 3' }).click()
    await page.getByRole('heading', { name: /transformer\.h\.2\.attn · head 3/ }).waitFor()
    await settled(page)
    const pattern = await model.trace(inputs, m => m.transformer.h[2].attn.heads[3].pattern.select(0, 0))
    const rows = pattern.tolist() as number[][]
    const check = async (query: number) => {
      const shown = await cellsOf(page, '.look-values')
      const sorted = rows[query].toSorted((a, b) => b - a).slice(0, shown.length)
      t.deepEqual(
        shown.map(([, , weight]) => weight),
        sorted.map(weight => weight.toFixed(4)),
      )
      for (const [, position, weight] of shown) t.is(rows[query][Number(position)].toFixed(4), weight)
    }
    t.is((await cellsOf(page, '.look-values')).length, 8)
    await check(ids.length - 1)
    await page.locator('.look').nth(9).hover()
    await check(9)
    await page.locator('.look').nth(5).click()
    await page.mouse.move(0, 0)
    t.regex(page.url(), /token=5/)
    await check(5)
    // Arrow keys go from head to head.
    await page.getByRole('button', { name: 'transformer.h.2.attn head 3' }).focus()
    await page.keyboard.press('ArrowUp')
    await page.getByRole('heading', { name: /transformer\.h\.1\.attn · head 3/ }).waitFor()
    await page.getByText('Lines', { exact: true }).click()
    await settled(page)
    const other = await model.trace(inputs, m => m.transformer.h[1].attn.heads[3].pattern.select(0, 0))
    const drawn = (other.tolist() as number[][]).flat().filter(weight => weight >= 0.02).length
    t.is(await page.locator('[data-line]').count(), drawn)
    await page.getByText('Matrix', { exact: true }).click()
    await page.getByRole('application', { name: 'Attention pattern of head 3, 22 by 22' }).waitFor()
    t.deepEqual(await violations(page), [])
    await page.reload()
    await page.getByRole('application', { name: 'Attention pattern of head 3, 22 by 22' }).waitFor()
    await page.getByRole('button', { name: 'Copy as code' }).click()
    await page.locator('.written').first().waitFor()
    t.regex(await textOf(page.locator('.written').first()), /h\[1\]\.attn\.heads\[3\]\.pattern/)
    await page.keyboard.press('Escape')
    for (const width of [800, 390]) {
      await page.setViewportSize({ width, height: 800 })
      for (const shape of ['Tokens', 'Lines', 'Matrix']) {
        await page.getByText(shape, { exact: true }).click()
        await settled(page)
        t.deepEqual(await overflow(page), [0, 0], `${shape}, ${width}`)
      }
    }
  },
)

at(
  'with many tokens, each head has colours up to its own largest weights, or from 0 to 1',
  { tab: 'attention', text: TEXT.repeat(5) },
  async (t, page) => {
    // How strongly the weights of each head are drawn, together.
    const strengths = (): Promise<number[]> =>
      page.locator('.head-grid canvas').evaluateAll(all =>
        (all as HTMLCanvasElement[]).map(one => {
          const copy = new OffscreenCanvas(one.width, one.height).getContext('2d')!
          copy.drawImage(one, 0, 0)
          const { data } = copy.getImageData(0, 0, one.width, one.height)
          // Masked cells are grey, and those of weights are blue.
          const alphas = Array.from({ length: data.length / 4 }, (_, i) =>
            Math.abs(data[4 * i] - data[4 * i + 2]) < 20 ? 0 : data[4 * i + 3],
          )
          return alphas.reduce((sum, alpha) => sum + alpha, 0)
        }),
      )
    t.is(await page.locator('.token').count(), 5 * TEXT.length)
    const own = await strengths()
    t.is(own.length, 16)
    await page.getByText('From 0 to 1', { exact: true }).click()
    await page.waitForTimeout(100)
    const whole = await strengths()
    t.true(own.every((sum, i) => sum >= whole[i]) && own.some((sum, i) => sum > 1.1 * whole[i]), `${own} ${whole}`)
    t.true(page.url().includes('limits=whole'))
  },
)

at(
  'attention with an edit: the grid shows how much each head changes',
  { tab: 'attention', text: TEXT, edit: 'transformer.h[1].mlp.output[:, 3] *= 3', site: 'transformer.h.3.attn' },
  async (t, page) => {
    await page.getByText('How much the edit changes each head').waitFor()
    const isEmpty = (name: string) =>
      page
        .getByRole('button', { name })
        .locator('canvas')
        .evaluate((canvas: HTMLCanvasElement) =>
          canvas
            .getContext('2d')!
            .getImageData(0, 0, canvas.width, canvas.height)
            .data.every((value, i) => i % 4 < 3 || value === 0),
        )
    t.true(await isEmpty('transformer.h.1.attn head 0'))
    t.false(await isEmpty('transformer.h.2.attn head 0'))
    await page.getByText('Matrix', { exact: true }).click()
    await settled(page)
    t.is(await page.locator('.one-head [data-part]').count(), 3)
  },
)

run('heads of a fused model, by its expansion, and with a cache', async t => {
  t.timeout(120_000)
  const folder = 'test/fixtures/models/verse'
  const own = await view([folder, '--dtype', 'q4'])
  t.teardown(() => own.end('SIGKILL'))
  const fused = await LanguageModel.load(folder, { dtype: 'q4' })
  t.teardown(() => fused.release())
  const text = 'To be, or not to be'
  const { status, body } = await own.ask('attention-head', {
    inputs: { input_ids: { text } },
    path: 'model.layers.1.attn',
    head: 2,
  })
  t.is(status, 200, JSON.stringify(body))
  const pattern = await fused.trace(text, m =>
    m.module('model.layers.1.attn').heads[2].pattern.select(0, 0).select(0, -1),
  )
  t.deepEqual((body.row as number[]).map(Math.fround), Array.from(pattern.data as Float32Array))
})

at(
  'the axes of a value have the names of heads, queries and keys, and the small maps of an axis its tokens',
  { tab: 'module', module: 'transformer.h.1.attn', op: '/transformer/h.1/attn/Softmax', facets: '1', text: TEXT },
  async (t, page) => {
    const facets = page.locator('.facets')
    await facets.waitFor()
    const { heads } = await model.trace(inputs, m => ({ heads: m.transformer.h[1].attn.heads.pattern }))
    const [, count, queries] = heads.dims as number[]
    t.is(await textOf(facets.locator('legend')), `${count} of ${count} on axis 1, head`)
    t.deepEqual(
      await facets.locator('.head-name').allTextContents(),
      Array.from({ length: count }, (_, head) => `head ${head}`),
    )
    await page.getByText('query × key', { exact: true }).waitFor()
    await page.getByRole('combobox', { name: 'rows' }).selectOption('axis 1, head (4)')
    await settled(page)
    await page.getByRole('combobox', { name: 'small maps of' }).selectOption(`axis 2, query (${queries})`)
    await page.getByRole('button', { name: 'query 5' }).click()
    await settled(page)
    t.is(await page.locator('.facets [aria-pressed=true]').textContent(), `query 5 ${TEXT[5].replace(' ', '␣')}`)
    t.deepEqual(await violations(page), [])
  },
)
