import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { ExecutionContext } from 'ava'
import type { Tensor } from 'onnsight'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'

// Helpers of the tests that drive the page of `onnsight view` in a browser.

export const TEXT = 'What light through yon'
/** The characters of the example model, by id. */
export const { chars } = JSON.parse(readFileSync('examples/models/chars.vocab.json', 'utf8')) as { chars: string[] }
/** The ids of TEXT, and the example model’s inputs with them. */
export const ids = [...TEXT].map(char => chars.indexOf(char))
export const inputs = { input_ids: [ids] }
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Scheme = 'light' | 'dark'

interface OpenPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of the page and its console, and requests to other addresses. Answers with status 422 are left out, because tests cause them. */
  readonly problems: readonly string[]
}

/** Opens the page and waits for its tree. */
export async function openPage(browser: Browser, url: string, scheme: Scheme): Promise<OpenPage> {
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
      problems.push(`request to ${request.url()}`)
  })
  await page.goto(url)
  await page.getByRole('tree').waitFor()
  return { page, context, problems }
}

/** Runs a test on a new page. It fails if the console has an error, or if the page sends a request to another address. */
export async function testPage(
  t: ExecutionContext,
  browser: Browser,
  { url, scheme }: { readonly url: string; readonly scheme: Scheme },
  body: (page: Page) => Promise<void>,
): Promise<void> {
  t.timeout(120_000)
  const { page, context, problems } = await openPage(browser, url, scheme)
  try {
    await body(page)
    t.deepEqual(problems, [])
  } finally {
    await context.close()
  }
}

/** Waits until no answer is loading. */
export async function settled(page: Page): Promise<void> {
  while ((await page.locator('[aria-busy=true]').count()) > 0) await page.waitForTimeout(30)
}

/** Waits until the tokens and all answers are shown. */
export async function loaded(page: Page): Promise<void> {
  await page.locator('.token, .statistics, .graph, .stages').first().waitFor()
  await settled(page)
  await page.waitForTimeout(50)
  await settled(page)
}

/** How many pixels the page and its main part are wider than they are shown. */
export const overflow = (page: Page): Promise<number[]> =>
  page.evaluate(() =>
    [document.documentElement, document.querySelector('main')!].map(one => one.scrollWidth - one.clientWidth),
  )

export const textOf = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? ''

/** Types the text and runs the model on it. */
export async function enterText(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Text' }).fill(TEXT)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^Token 0: W/ }).waitFor()
}

export const item = (page: Page, path: string) => page.locator(`[role=treeitem][data-path="${path}"]`)

/** Chooses a module in the tree, opening the modules that contain it. */
export async function choose(page: Page, path: string): Promise<void> {
  const parts = path.split('.')
  for (let i = 1; i < parts.length; i++) {
    const parent = item(page, parts.slice(0, i).join('.'))
    if ((await parent.getAttribute('aria-expanded')) === 'false') await parent.locator('.twisty').click()
  }
  await item(page, path).click()
  await page.getByRole('heading', { name: path, exact: true }).waitFor()
  await settled(page)
}

export const numberIn = (text: string): number => Number(text.replaceAll('−', '-').replaceAll(',', '').replace('+', ''))

/** Whether a shown number is the value, up to the digits that are shown. */
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
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds on the page, at any impact. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const found = await page.evaluate(
    () =>
      (globalThis as unknown as { axe: { run(): Promise<{ violations: unknown[] }> } }).axe.run() as Promise<{
        violations: unknown[]
      }>,
  )
  return (found.violations as Violation[]).flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}
