import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { ExecutionContext } from 'ava'
import type { Tensor } from 'onnsight'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'

// The page of `onnsight view` as its tests go about it.

export const TEXT = 'What light through yon'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Scheme = 'light' | 'dark'

interface Opened {
  readonly page: Page
  readonly context: BrowserContext
  /** What has gone wrong in it. Chromium tells of answers of 4xx too: those are looked at where they are due. */
  readonly problems: readonly string[]
}

export async function opened(browser: Browser, url: string, scheme: Scheme): Promise<Opened> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1280, height: 860 } })
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('422')) problems.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(url.split('#')[0]) && !request.url().startsWith('data:'))
      problems.push(`asked for ${request.url()}`)
  })
  await page.goto(url)
  await page.getByRole('tree').waitFor()
  return { page, context, problems }
}

/** Goes about a page, and fails where its console has an error, or something is asked of another place. */
export async function visited(
  t: ExecutionContext,
  browser: Browser,
  { url, scheme }: { readonly url: string; readonly scheme: Scheme },
  body: (page: Page) => Promise<void>,
): Promise<void> {
  t.timeout(120_000)
  const { page, context, problems } = await opened(browser, url, scheme)
  try {
    await body(page)
    t.deepEqual(problems, [])
  } finally {
    await context.close()
  }
}

/** Waits until all that was asked for has come. */
export async function settled(page: Page): Promise<void> {
  while ((await page.locator('[aria-busy=true]').count()) > 0) await page.waitForTimeout(30)
}

export const textOf = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? ''

export async function typed(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Text' }).fill(TEXT)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^Token 0: W/ }).waitFor()
}

export const item = (page: Page, path: string) => page.locator(`[role=treeitem][data-path="${path}"]`)

export async function choose(page: Page, path: string): Promise<void> {
  const parts = path.split('.')
  for (let i = 1; i < parts.length; i++) {
    const above = item(page, parts.slice(0, i).join('.'))
    if ((await above.getAttribute('aria-expanded')) === 'false') await above.locator('.twisty').click()
  }
  await item(page, path).click()
  await page.getByRole('heading', { name: path, exact: true }).waitFor()
  await settled(page)
}

export const numberIn = (text: string): number => Number(text.replaceAll('−', '-').replaceAll(',', '').replace('+', ''))

/** Whether a number that is shown is the value: as far as its digits go. */
export function shows(text: string, value: number): boolean {
  const plain = text.replaceAll('−', '-').replaceAll(',', '').replace('+', '')
  const decimals = plain.includes('e') ? undefined : (plain.split('.')[1]?.length ?? 0)
  const slack = decimals === undefined ? Math.abs(value) * 1e-3 : 0.5 * 10 ** -decimals
  return Math.abs(Number(plain) - value) <= slack * 1.001 + 1e-5 * Math.abs(value)
}

export async function statisticsOf(page: Page): Promise<Record<string, string>> {
  const entries = await page
    .locator('[role=tabpanel]:not([hidden]) .statistics')
    .first()
    .locator('> div')
    .evaluateAll(all => all.map(one => [one.querySelector('dt')!.textContent, one.querySelector('dd')!.textContent]))
  return Object.fromEntries(entries) as Record<string, string>
}

export function statistics(values: readonly number[]): Record<string, number> {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  return { min: Math.min(...values), max: Math.max(...values), mean, std, NaN: 0, infinite: 0, count: values.length }
}

/** The cells of a table's body, row by row. */
export const cellsOf = (page: Page, selector: string): Promise<string[][]> =>
  page
    .locator(`${selector} tbody tr`)
    .evaluateAll(rows => rows.map(row => Array.from(row.children, cell => cell.textContent ?? '')))

export const floats = (value: Tensor): number[] => Array.from(value.data as Float32Array)

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const found = await page.evaluate(
    () =>
      (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run() as Promise<{
        violations: unknown[]
      }>,
  )
  return (found.violations as Violation[])
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}
