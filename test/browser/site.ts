import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import onnsight from 'onnsight/vite'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'

/** The path of the environment's Chromium, or of Debian's: playwright's own can't be downloaded everywhere. */
export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  path => path !== undefined && existsSync(path),
)

/** Pages in a browser, on their own server. */
export interface Site {
  readonly url: string
  /** Opens a page with its own profile, whose caches are empty. */
  open(path: string): Promise<Page>
  close(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean

/** Builds the pages of a folder with Vite, serves them with the files of `assets`, and opens a browser. */
export async function openSite(
  folder: string,
  assets: string,
  answer: Answer = () => false,
  device: 'none' | 'software-gpu' = 'none',
): Promise<Site> {
  const out = mkdtempSync(join(tmpdir(), 'onnsight-site-'))
  await build({
    root: resolve(folder),
    configFile: false,
    plugins: [onnsight()],
    logLevel: 'error',
    publicDir: resolve(assets),
    build: { outDir: out, emptyOutDir: true, target: 'es2022', minify: false, sourcemap: true },
  })
  const server = await serve(out, answer)
  const browser = await launch(device)
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`
  return {
    url,
    async open(path) {
      const page = await (await browser.newContext()).newPage()
      await page.goto(new URL(path, url).href)
      return page
    },
    async close() {
      await browser.close()
      server.close()
      rmSync(out, { recursive: true, force: true })
    },
  }
}

/** @param device with 'software-gpu', there is WebGPU, which the processor computes: correctly, but slowly */
export function launch(device: 'none' | 'software-gpu' = 'none'): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox',
      ...(device === 'none'
        ? ['--disable-gpu']
        : ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']),
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Starts a simple server of a folder's files. It sends a length and an ETag, and knows no ranges. */
export async function serve(folder: string, answer: Answer = () => false): Promise<Server> {
  const { default: sirv } = await import('sirv')
  const files = sirv(folder, { dev: true, etag: true })
  const server = createServer((request, response) => {
    if (answer(request, response)) return
    files(request, response, () => {
      response.statusCode = 404
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>Not found</title>')
    })
  })
  await new Promise<void>(done => server.listen(0, done))
  return server
}
