// The pictures of docs/what-changed.md that show the page as it is now; `npm run pictures` writes them. Those of before were taken at 819c140.
import { mkdirSync } from 'node:fs'
import { chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import { chromiumPath } from '../../test/browser/site.ts'
import { realFiles } from '../../test/onnx/real-files.ts'
import { choose, enterText, settled } from '../../test/view/page.ts'
import { viewed } from './viewed.ts'

const folder = 'docs/pictures/now'
mkdirSync(folder, { recursive: true })
if (!chromiumPath) throw new Error('No Chromium: apt-get install chromium, or name one in $CHROMIUM.')
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
const size = { width: 1280, height: 800, deviceScaleFactor: 1 }
const fileOf = (name: string): string => realFiles.find(path => path.endsWith(name))!

await viewed(browser, ['examples/models/chars.onnx'], size, async (page, url) => {
  await opened(page, url)
  await shot(page, 'first-screen')
  await enterText(page)
  await choose(page, 'transformer.h.1.attn')
  await tab(page, 'Module')
  await shot(page, 'module')
  await page.mouse.move(700, 500)
  for (let i = 0; i < 30; i++) await page.mouse.wheel(0, 400)
  await page.waitForTimeout(500)
  await shot(page, 'scrolled')
  await tab(page, 'Attention')
  await shot(page, 'attention')
  await tab(page, 'Module')
  await choose(page, 'lm_head')
  await page.locator('.row-values').scrollIntoViewIfNeeded()
  await shot(page, 'logits')
})
await viewed(browser, ['test/fixtures/models/chars-cache.onnx'], size, async (page, url) => {
  await opened(page, url)
  await tab(page, 'Module')
  await choose(page, 'transformer')
  await shot(page, 'cache')
})
await viewed(browser, [fileOf('ch_PP-OCRv4_rec_infer.onnx')], size, async (page, url) => {
  await opened(page, url)
  await shot(page, 'no-names')
})
await viewed(browser, [fileOf('silero_vad_v5.onnx')], size, async (page, url) => {
  await opened(page, url)
  await shot(page, 'voice')
})
await browser.close()

async function opened(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.locator('.facts').waitFor()
  await settled(page)
}

async function tab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click()
  await settled(page)
}

async function shot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(400)
  await settled(page)
  await sharp(await page.screenshot())
    .webp({ quality: 82, effort: 6 })
    .toFile(`${folder}/${name}.webp`)
}
