import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Where the commands of this process keep the key of their addresses. */
const stateFolder = mkdtempSync(join(tmpdir(), 'onnsight-view-state-'))
process.on('exit', () => rmSync(stateFolder, { recursive: true }))

/** A running `onnsight view`. */
export interface Viewing {
  readonly url: string
  readonly child: ChildProcess
  /** What it wrote to stdout up to its address. */
  readonly stdout: string
  /** What it has written to stderr so far. */
  stderr(): string
  /** Sends a signal and waits for the end. Returns the exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | string | null>
  /** Sends a POST request to its API. */
  ask(name: string, body: unknown, signal?: AbortSignal): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Starts the built command and waits until it prints its address. */
export async function view(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Viewing> {
  const child = spawn(process.execPath, [resolve('dist/cli/onnsight.js'), 'view', ...args], {
    env: {
      ...process.env,
      FORCE_COLOR: '0',
      NO_COLOR: undefined,
      ONNSIGHT_DEBUG: undefined,
      XDG_STATE_HOME: stateFolder,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | string | null>(done => child.on('exit', (code, signal) => done(signal ?? code)))
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  const url = await new Promise<string>((done, failed) => {
    child.stdout.on('data', chunk => {
      stdout += String(chunk)
      const [found] = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(stdout) ?? []
      if (found) done(found)
    })
    child.on('exit', code => failed(new Error(`It ended with ${code}: ${stderr}`)))
  })
  return {
    url,
    child,
    stdout,
    stderr: () => stderr,
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

/** Sends a GET request with any headers, which fetch does not allow. */
export function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  return new Promise((done, failed) => {
    // Use a new connection for each request, because the command closes idle ones.
    request(url, { headers, agent: false }, response => {
      let text = ''
      response.on('data', chunk => (text += String(chunk)))
      response.on('end', () => done({ status: response.statusCode ?? 0, text, headers: response.headers }))
    })
      .on('error', failed)
      .end()
  })
}
