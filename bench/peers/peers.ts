import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Answer {
  /** Milliseconds of the study alone, as the peer measured them. */
  readonly ms: number
  /** Milliseconds that the processor spent on it, in all threads. */
  readonly processor: number
  readonly result: unknown
}

/** A process of Python that holds the model in nnsight and in TransformerLens, and runs one study after the other. */
export class Peers {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly versions: unknown

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, versions: unknown) {
    this.#child = child
    this.#lines = lines
    this.versions = versions
  }

  static async start(python: string, model: string, threads: number): Promise<Peers> {
    const script = fileURLToPath(new URL('peers.py', import.meta.url))
    const child = spawn(python, [script, model, String(threads)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // TransformerLens draws a progress bar for each sweep, which costs time.
      env: { ...process.env, TQDM_DISABLE: '1' },
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return new Peers(child, lines, await next(lines))
  }

  async ask(tool: string, study: string, given: object): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify({ tool, study, given })}\n`)
    return (await next(this.#lines)) as Answer
  }

  end(): void {
    this.#child.stdin?.end()
  }
}

async function next(lines: AsyncIterator<string>): Promise<unknown> {
  const { value, done } = await lines.next()
  if (done) throw new Error('The Python process ended; what it printed says why.')
  return JSON.parse(value)
}
