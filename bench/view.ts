// npm run bench:view: how long `onnsight view` takes from Run to the picture, in Chromium; the median of several runs, each on another text.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, type Page } from 'playwright-core'
import { chromiumPath } from '../test/browser/site.ts'

const ROUNDS = 5
/** The tabs, and what is drawn last in each. */
const tabs = [
  ['overview', '.head-grid canvas, .next'],
  ['lens', '.lens tbody td'],
  ['attention', '.one-head'],
  ['module', '.heat-map canvas'],
] as const
const models = [
  ['the example', 'examples/models/chars.onnx', [8, 100], 65],
  ['GPT-2 small', 'bench/models/gpt2-small.onnx', [8, 700], 50_257],
] as const

if (!chromiumPath) throw new Error('No Chromium: apt-get install chromium, or name one in $CHROMIUM.')
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] })
for (const [name, path, lengths, entries] of models) {
  const view = spawn(process.execPath, ['dist/cli/onnsight.js', 'view', path, '--json'])
  try {
    const [line] = (await once(createInterface(view.stdout), 'line')) as [string]
    const { url } = JSON.parse(line) as { url: string }
    for (const tokens of lengths)
      for (const [tab, drawn] of tabs) {
        const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
        const text = (round: number): string =>
          Array.from({ length: tokens }, (_, i) => ((i + 1) * (round + 7)) % entries).join(', ')
        await page.goto(`${url}#${new URLSearchParams({ tab, ids: text(0) })}`)
        await page.locator(drawn).first().waitFor({ timeout: 120_000 })
        await settled(page)
        const times: number[] = []
        for (let round = 1; round <= ROUNDS; round++) times.push(await timeOf(page, text(round)))
        const [least, median] = [0, Math.floor(ROUNDS / 2)].map(i => times.toSorted((a, b) => a - b)[i])
        console.log(`${name}, ${tokens} tokens, ${tab}: ${seconds(median)} s (least ${seconds(least)})`)
        await page.close()
      }
  } finally {
    view.kill()
  }
}
await browser.close()

/** The time from Enter until nothing is loading, in ms. */
async function timeOf(page: Page, ids: string): Promise<number> {
  const field = page.getByRole('textbox', { name: /^(Token ids|Text)/ })
  const asTyped = page.getByRole('checkbox', { name: 'as I type' })
  if (await asTyped.isVisible()) await asTyped.uncheck()
  await field.fill(ids)
  const start = performance.now()
  await field.press('Enter')
  await page.waitForTimeout(15)
  await settled(page)
  return performance.now() - start
}

async function settled(page: Page): Promise<void> {
  // The next request of a tab is sent when the one before is answered.
  for (let idle = 0; idle < 3; idle++) {
    while ((await page.locator('[aria-busy=true]').count()) > 0) {
      idle = 0
      await page.waitForTimeout(5)
    }
    await page.waitForTimeout(5)
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2)
}
