// npm run pictures: the pictures of the README and the guide, from runs of the example model. Those of the page of `onnsight view` need Chromium.
import { writeFileSync } from 'node:fs'
import { load } from 'onnsight'
import { s, trace } from 'onnsight/trace.macro'
import { chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { chromiumPath } from '../../test/browser/site.ts'
import { choose, enterText, settled, TEXT } from '../../test/view/page.ts'
import { heatmap } from './heatmap.ts'
import { viewed } from './viewed.ts'

const folder = 'docs/pictures'
const model = await load('examples/models/chars.onnx')
const clean = { input_ids: [[18, 47, 56, 57]] }
const corrupted = { input_ids: [[17, 47, 56, 57]] }

const pattern = await trace(model, clean, () => model.transformer.h[1].attn.ops.Softmax[0].output.slice(s`0, 2`))
writeFileSync(
  `${folder}/attention.svg`,
  heatmap({
    title: 'Attention of layer 1, head 2',
    rows: [...'Firs'],
    columns: [...'Firs'],
    values: pattern.tolist() as number[][],
    across: 'key: where it looks',
    down: 'query',
  }),
)

const states = await trace(model, clean, () => model.transformer.h.map(layer => layer.input))
const logit = async (patch?: readonly [layer: number, position: number]): Promise<number> => {
  const found = await trace(model, corrupted, () => {
    if (patch) {
      const [layer, position] = patch
      model.transformer.h[layer].input.set(s`:, ${position}`, states[layer].slice(s`:, ${position}`))
    }
    return model.lm_head.output.slice(s`0, -1, 58`)
  })
  return Number(found.item())
}
const from = await logit()
const moved: number[][] = []
for (let layer = 0; layer < 4; layer++) {
  const row: number[] = []
  for (let position = 0; position < 4; position++) row.push((await logit([layer, position])) - from)
  moved.push(row)
}
writeFileSync(
  `${folder}/patching.svg`,
  heatmap({
    title: 'What a patch brings back',
    rows: ['0', '1', '2', '3'],
    columns: [...'Firs'],
    values: moved,
    across: 'position',
    down: 'layer',
  }),
)
await model.release()

if (!chromiumPath) throw new Error('No Chromium: apt-get install chromium, or name one in $CHROMIUM.')
const size = { width: 1120, height: 640, deviceScaleFactor: 2 }
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
await viewed(browser, ['examples/models/chars.onnx'], size, async (page, url) => {
  await page.goto(url)
  await enterText(page)
  await choose(page, 'transformer.h.1.attn')
  await shot(page, 'Module', 'view-attention')
  await shot(page, 'Lens', 'view-lens')
  // The home page of the site has it for dark screens, too.
  await page.emulateMedia({ colorScheme: 'dark' })
  await shot(page, 'Lens', 'view-lens-dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await shotOf(page, url, 'view-patch', {
    ...{ tab: 'patch', text: 'KING RICHAR', corrupted: 'KING HENRY ', answer: 'D', other: 'I', patch: '2,10' },
  })
  await shotOf(page, url, 'view-steer', {
    ...{ tab: 'steer', text: 'What light', towards: 'KING RICHARD III:\nMY LORD, I AM\nFIRST CITIZEN:' },
    ...{ away: 'king richard iii:\nmy lord, i am\nfirst citizen:', steer: '1,1.5', generate: '40,0,1' },
  })
  await shotOf(page, url, 'view-importance', { tab: 'importance', text: TEXT }, async () => {
    await page.getByRole('button', { name: 'Ablate each part' }).click()
    await page.locator('.heat-map').waitFor()
  })
  await shotOf(page, url, 'view-graph', { tab: 'module', module: 'transformer.h.1.attn', show: 'graph', text: TEXT })
})
const verse = 'test/fixtures/models/verse'
await viewed(browser, [verse, '--beside', `${verse}/onnx/model_q4.onnx`], size, (page, url) =>
  shotOf(page, url, 'view-compare', { tab: 'compare', compare: 'many' }),
)
await browser.close()

/** The part of the page with the tabs, in a state that the address holds. */
async function shotOf(
  page: Page,
  url: string,
  name: string,
  state: Readonly<Record<string, string>>,
  before: () => Promise<void> = async () => undefined,
): Promise<void> {
  await page.setViewportSize({ width: 1120, height: 760 })
  await page.goto('about:blank')
  await page.goto(`${url}#${new URLSearchParams(state)}`)
  await page.locator('.heat-map, .new-token, .graph, .look, .blame').first().waitFor()
  await settled(page)
  await before()
  await settled(page)
  await page.waitForTimeout(800)
  await settled(page)
  await save(page, name)
}

/** Writes what the page shows. A palette makes the file a third as large, and no one sees the difference. */
async function save(page: Page, name: string, clip?: Clip): Promise<void> {
  const picture = await page.screenshot(clip ? { clip } : {})
  await sharp(picture).png({ palette: true, effort: 10 }).toFile(`${folder}/${name}.png`)
}

type Clip = NonNullable<Parameters<Page['screenshot']>[0]>['clip']

async function shot(page: Page, tab: string, name: string): Promise<void> {
  await page.getByRole('tab', { name: tab }).click()
  await settled(page)
  await page.waitForTimeout(500)
  await settled(page)
  // Only the heads of a module's page are shown.
  const heads = page.getByRole('heading', { name: 'Attention pattern' }).locator('xpath=..')
  const isModule = await heads.isVisible()
  await page.setViewportSize({ width: isModule ? 900 : 1120, height: isModule ? 2600 : 640 })
  const box = isModule ? await heads.boundingBox() : undefined
  const clip = box ? { x: box.x - 12, y: box.y, width: 520, height: 660 } : undefined
  await save(page, name, clip)
}
