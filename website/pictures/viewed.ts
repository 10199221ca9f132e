import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Browser, Page } from 'playwright-core'

/** Opens `onnsight view` with some arguments, and ends it after the pictures. */
export async function viewed(
  browser: Browser,
  args: readonly string[],
  {
    deviceScaleFactor,
    ...viewport
  }: { readonly width: number; readonly height: number; readonly deviceScaleFactor: number },
  body: (page: Page, url: string) => Promise<void>,
): Promise<void> {
  const view = spawn(process.execPath, ['dist/cli/onnsight.js', 'view', ...args, '--json'])
  try {
    const [line] = (await once(createInterface(view.stdout), 'line')) as [string]
    const page = await browser.newPage({ viewport, deviceScaleFactor, colorScheme: 'light' })
    await body(page, (JSON.parse(line) as { url: string }).url)
    await page.close()
  } finally {
    view.kill()
  }
}
