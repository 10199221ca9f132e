import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'node:http'
import { resolve } from 'node:path'

/** `onnsight view`, running. */
export interface Viewing {
  readonly url: string
  readonly child: ChildProcess
  /** What it wrote on stdout until it told its address. */
  readonly said: string
  /** What it has written on stderr. */
  complaints(): string
  /** Sends a signal, and waits: the exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | string | null>
  /** A POST to its API. */
  ask(name: string, body: unknown, signal?: AbortSignal): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Starts the command as it is built, and waits for its address. */
export async function view(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Viewing> {
  const child = spawn(process.execPath, [resolve('dist/cli/onnsight.js'), 'view', ...args], {
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined, ONNSIGHT_DEBUG: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | string | null>(done => child.on('exit', (code, signal) => done(signal ?? code)))
  let said = ''
  let problem = ''
  child.stderr.on('data', chunk => (problem += String(chunk)))
  const url = await new Promise<string>((done, failed) => {
    child.stdout.on('data', chunk => {
      said += String(chunk)
      const [found] = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(said) ?? []
      if (found) done(found)
    })
    child.on('exit', code => failed(new Error(`It ended with ${code}: ${problem}`)))
  })
  return {
    url,
    child,
    said,
    complaints: () => problem,
    end(signal = 'SIGINT') {
      child.kill(signal)
      return ended
    },
    async ask(name, body, signal) {
      const response = await fetch(`${url}api/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal ? { signal } : {}),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
  }
}

/** A GET with headers of one's own, which fetch does not allow. */
export function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  return new Promise((done, failed) => {
    // A connection of its own: the command closes idle ones.
    request(url, { headers, agent: false }, response => {
      let text = ''
      response.on('data', chunk => (text += String(chunk)))
      response.on('end', () => done({ status: response.statusCode ?? 0, text, headers: response.headers }))
    })
      .on('error', failed)
      .end()
  })
}
