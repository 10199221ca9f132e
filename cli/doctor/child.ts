import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildResult {
  /** What the script passed to `sendAnswer`; undefined if it ended before that. */
  readonly answer: unknown
  /** The signal or exit code with which it ended, and its error on stderr. */
  readonly end: string
}

const MOST_MS = 60_000

/** Runs one of the scripts in this folder in a process of its own, because what it loads may crash the process. */
export function runScript(name: string, args: readonly string[], cwd: string): Promise<ChildResult> {
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  return new Promise(resolve => {
    const env = { NODE_ENV: 'development', ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' }
    execFile(process.execPath, [script, ...args], { cwd, env, timeout: MOST_MS }, (error, stdout, stderr) => {
      const found = /^onnsight-doctor: (.*)$/m.exec(stdout)
      const reason = error?.signal ? `it was ended by ${error.signal}` : `it ended with code ${error?.code ?? 0}`
      const [line] = stderr.split('\n').filter(text => /error|cannot|invalid/i.test(text))
      resolve({
        answer: found ? (JSON.parse(found[1]) as unknown) : undefined,
        end: line ? `${reason}: ${line.trim()}` : reason,
      })
    })
  })
}

/** Sends a script's answer to `runScript`, which ignores everything else that the script prints. */
export function sendAnswer(value: unknown): void {
  process.stdout.write(`\nonnsight-doctor: ${JSON.stringify(value)}\n`)
}
