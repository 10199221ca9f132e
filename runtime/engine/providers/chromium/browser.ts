import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WorkerError } from '../../../errors/worker.ts'
import { chromiumPath } from './find.ts'
import type { PageAnswer, PageRequest } from './messages.ts'
import { packed, unpacked } from './packed.ts'
import { pageServer } from './serve-page.ts'

/** How Chromium finds a graphics adapter: none, its own, or one that the processor computes. */
export type Graphics = 'none' | 'own' | 'software'

const FLAGS: Readonly<Record<Graphics, readonly string[]>> = {
  none: ['--disable-gpu'],
  own: ['--enable-unsafe-webgpu', '--enable-features=Vulkan'],
  software: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'],
}

/** How long the page may take to ask for its first request. */
const START_MS = 120_000

interface Waiting {
  readonly id: number
  readonly request: PageRequest
  readonly done: (result: unknown) => void
  readonly failed: (error: Error) => void
}

/** A headless Chromium with one page, which answers requests in turn. */
export class Browser {
  readonly #server: Server
  readonly #profile: string
  readonly #child: ChildProcess
  readonly #waiting: Waiting[] = []
  readonly #starting: NodeJS.Timeout
  #running: Waiting | undefined
  /** The page's own request, which waits for something to do. */
  #page: ServerResponse | undefined
  #count = 0
  #said = ''
  /** The reason why it ended; undefined while it runs. */
  ended: Error | undefined

  /** @throws MissingPackageError if there is no Chromium, or no onnxruntime-web */
  static async open(graphics: Graphics): Promise<Browser> {
    const path = chromiumPath()
    const secret = randomUUID()
    let browser: Browser | undefined
    const server = pageServer(secret, (body, response) => browser?.asked(unpacked(body) as PageAnswer | null, response))
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const profile = await mkdtemp(join(tmpdir(), 'onnsight-chromium-'))
    const { port } = server.address() as AddressInfo
    browser = new Browser(server, profile, path, [...FLAGS[graphics], `http://127.0.0.1:${port}/${secret}/`])
    return browser
  }

  private constructor(server: Server, profile: string, path: string, args: readonly string[]) {
    this.#server = server
    this.#profile = profile
    this.#child = spawn(
      path,
      [
        '--headless=new',
        `--user-data-dir=${profile}`,
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Chromium's sandbox does not start as root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        ...args,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.#said = (this.#said + text.toString()).slice(-2000)
    })
    this.#child.on('error', error => this.close(failure(`can’t be started: ${error.message}`, this.#said)))
    this.#child.on('exit', (code, signal) =>
      this.close(failure(`ended (${signal ?? `exit code ${code}`})`, this.#said)),
    )
    const late = (): void => this.close(failure('did not open its page in two minutes', this.#said))
    this.#starting = setTimeout(late, START_MS)
    process.once('exit', this.#kill)
  }

  get isIdle(): boolean {
    return this.#running === undefined && this.#waiting.length === 0
  }

  request(request: PageRequest): Promise<unknown> {
    if (this.ended) return Promise.reject(this.ended)
    return new Promise((done, failed) => {
      this.#waiting.push({ id: this.#count++, request, done, failed })
      this.#next()
    })
  }

  /** The page has answered, and asks for more. */
  asked(answer: PageAnswer | null, response: ServerResponse): void {
    clearTimeout(this.#starting)
    const running = this.#running
    this.#running = undefined
    this.#page = response
    if (running && answer?.id === running.id)
      if ('error' in answer) running.failed(new Error(answer.error))
      else running.done(answer.result)
    this.#next()
  }

  #next(): void {
    if (this.#running || !this.#page) return
    const next = this.#waiting.shift()
    if (!next) return
    this.#running = next
    this.#page.end(packed({ id: next.id, request: next.request }))
    this.#page = undefined
  }

  /** Ends Chromium. Requests that still wait fail with the reason. */
  close(reason: Error = failure('was closed', '')): void {
    if (this.ended) return
    this.ended = reason
    clearTimeout(this.#starting)
    process.off('exit', this.#kill)
    this.#kill()
    this.#server.close()
    this.#server.closeAllConnections()
    for (const one of [...(this.#running ? [this.#running] : []), ...this.#waiting.splice(0)]) one.failed(reason)
  }

  readonly #kill = (): void => {
    this.#child.kill('SIGKILL')
    try {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    } catch {
      // Its other processes may still write for a moment. What is left lies in the folder for temporary files.
    }
  }
}

function failure(what: string, said: string): WorkerError {
  const lines = said.trim().split('\n').slice(-3).join('\n')
  return new WorkerError(
    `Chromium ${what}.${lines === '' ? '' : ` It wrote:\n${lines}`}`,
    'try the browser by itself, chromium --headless=new --dump-dom about:blank, or set the environment variable CHROMIUM to another one',
  )
}
