import type { ExecutionContext } from 'ava'
import type { Browser } from 'playwright-core'
import type { Project } from '../consumers/project.ts'
import { checkAccess, checkPage, expected, start, visit } from './app.ts'

/** The bundlers of Next.js, and the options of its command for each. */
export const bundlers = { Turbopack: '', webpack: ' --webpack' } as const
export type Bundler = keyof typeof bundlers

/** The other way to switch the macro on: files that differ from the example's. */
export const byBabel = {
  'next.config.ts': undefined,
  'babel.config.js': "module.exports = { presets: ['next/babel'], plugins: ['macros'] }\n",
} as const

const EXAMPLE = 'First Citizen: we are'

/** Runs `next build` without a cache, and returns what it prints. */
export async function build(app: Project, bundler: Bundler): Promise<{ code: number; output: string }> {
  return app.run(`rm -rf .next && next build${bundlers[bundler]}`, { NEXT_TELEMETRY_DISABLED: '1' })
}

export const serve = (app: Project): ReturnType<typeof start> =>
  start(app, port => ['next', 'start', '-p', String(port)])

export const develop = (app: Project): ReturnType<typeof start> =>
  start(app, port => ['next', 'dev', '-p', String(port)], { NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' })

interface Seen {
  readonly lens: readonly { readonly next: readonly string[] }[]
  readonly patterns: number[][][][]
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(`${url}/api/look`, { method: 'POST', body: JSON.stringify(body) })

/** Checks that the route handler returns the same as a trace in this process, and refuses inputs that are no text. */
export async function checkRoute(t: ExecutionContext, url: string): Promise<void> {
  const due = await expected('ROMEO')
  const { lens, patterns } = (await (await post(url, { text: 'ROMEO' })).json()) as Seen
  t.deepEqual(lens.at(-1)?.next, due.next)
  t.true(patterns[1][0].every((row, i) => row.every((share, j) => Math.abs(share - due.pattern[i][j]) < 1e-4)))
  const refused = await post(url, { text: 5 })
  t.is(refused.status, 400)
  t.regex(await refused.text(), /Send \{ \\"text\\"/)
}

/** The cells of the pattern on the server component's page. */
export async function cells(url: string, text: string): Promise<string[]> {
  const html = await (await fetch(`${url}/?text=${text}`)).text()
  return [...html.matchAll(/class="visually-hidden">([^<]*)</g)].map(([, cell]) => cell)
}

/** The same cells, computed by a trace in this process. Each share is multiplied by a factor. */
export async function dueCells(text: string, factor = 1): Promise<string[]> {
  const { pattern } = await expected(text)
  return pattern.flatMap((row, i) => row.slice(0, i + 1).map(share => `${Math.round(100 * share * factor)} %`))
}

/** Checks the pages in Chromium: that of the server, and the one that runs the model itself. */
export async function checkPages(t: ExecutionContext, browser: Browser, url: string): Promise<void> {
  const wrong: string[] = []
  const server = await visit(browser, `${url}/`, wrong)
  await checkPage(t, server, EXAMPLE)
  const client = await visit(browser, `${url}/browser`, wrong)
  await client.waitForSelector('.lens')
  await checkPage(t, client, EXAMPLE)
  await client.getByLabel('Layer').selectOption('3')
  await checkPage(t, client, EXAMPLE, 3)
  await client.getByLabel('Text').fill('ROMEO')
  await client.waitForFunction(`document.querySelectorAll('.lens thead th').length === 6`)
  for (const page of [server, client]) await checkAccess(t, page)
  t.deepEqual(wrong, [])
}
