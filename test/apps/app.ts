import { spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import axe from 'axe-core'
import { load } from 'onnsight'
import { trace } from 'onnsight/trace.macro'
import type { Browser, Page } from 'playwright-core'
import { Project } from '../consumers/project.ts'

/** An app of examples/apps, in a folder of its own, with its models, installed as a user would. */
export async function openApp(name: string): Promise<Project> {
  const app = await Project.open(name, join('examples/apps', name))
  cpSync('examples/models', join(app.folder, 'public/models'), { recursive: true })
  return app
}

export interface Due {
  readonly next: string[]
  readonly shares: number[]
  readonly pattern: number[][]
}

const { chars } = JSON.parse(readFileSync('examples/models/chars.vocab.json', 'utf8')) as { chars: string[] }

/** The model's prediction after each character, and the pattern of a layer's head 0, computed by a trace in this process. */
export async function expected(text: string, layer = 1): Promise<Due> {
  const model = await load('examples/models/chars.onnx')
  const ids = [...text].map(char => chars.indexOf(char))
  const { best, pattern } = await trace(model, { input_ids: [ids] }, () => ({
    best: model.lm_head.output.slice('0').softmax(-1).max(-1),
    pattern: model.transformer.h[layer].attn.ops.Softmax[0].output.slice('0, 0'),
  }))
  await model.release()
  return {
    next: (best.indices.tolist() as number[]).map(id => chars[id]),
    shares: best.values.tolist() as number[],
    pattern: pattern.tolist() as number[][],
  }
}

const visible = (char: string): string => (char === ' ' ? '␣' : char === '\n' ? '⏎' : char)
const percent = (share: number): string => `${Math.round(100 * share)} %`

/** Checks that a page shows the model's predictions, in its last layer, and the pattern of one head. */
export async function checkPage(t: ExecutionContext, page: Page, text: string, layer?: number): Promise<void> {
  const due = await expected(text, layer)
  const last = page.locator('.lens tbody tr').last()
  // The page may still show what was typed before.
  await last
    .locator('td')
    .nth(text.length - 1)
    .waitFor()
  t.deepEqual(
    await last.locator('td').allInnerTexts(),
    due.next.map((char, i) => `${visible(char)}\n${percent(due.shares[i])}`),
  )
  const cells = await page.locator('.pattern tbody td .visually-hidden').allTextContents()
  t.deepEqual(
    cells,
    due.pattern.flatMap((row, i) => row.slice(0, i + 1).map(percent)),
  )
}

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string }[]
}

/** Checks the page's accessibility with axe, in light and dark mode, and that a phone shows all of it. */
export async function checkAccess(t: ExecutionContext, page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(axe.source)
    const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] }
    const found = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html}`)
    t.deepEqual(found, [], colorScheme)
  }
  const size = page.viewportSize()!
  await page.setViewportSize({ width: 390, height: size.height })
  t.true((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 390, 'it is wider than a phone')
  await page.setViewportSize(size)
}

/** Opens a page, and adds its errors to `wrong`. */
export async function visit(browser: Browser, url: string, wrong: string[]): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  page.on('pageerror', error => wrong.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') wrong.push(message.text())
  })
  await page.goto(url)
  return page
}

/** Starts a server in the app's folder. `stop` ends it, and resolves when none of its processes writes any more. */
export async function start(
  app: Project,
  command: (port: number) => string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  const [file, ...args] = command(port)
  const child = spawn(join(app.folder, 'node_modules/.bin', file), args, {
    cwd: app.folder,
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '', FORCE_COLOR: '0', NO_COLOR: undefined, ...env },
  })
  const url = `http://localhost:${port}`
  for (let i = 0; ; i++) {
    if (await fetch(url).catch(() => undefined)) break
    if (i === 150 || child.exitCode !== null) throw new Error(`${file} does not answer.`)
    await new Promise(done => setTimeout(done, 200))
  }
  return { url, stop: () => endGroup(child.pid!) }
}

const GRACE_MS = 10_000

/** Ends a process and all that it started: by SIGTERM, and by SIGKILL those that still run after ten seconds. */
async function endGroup(pid: number): Promise<void> {
  const signalled = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid, signal)
    } catch {
      return false
    }
  }
  signalled('SIGTERM')
  for (const begun = performance.now(); signalled(0) && performance.now() - begun < GRACE_MS; )
    await new Promise(done => setTimeout(done, 50))
  signalled('SIGKILL')
}

function freePort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}
