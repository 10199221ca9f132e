import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface SpawnOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** The text that the command reads from stdin. */
  readonly input?: string
  /** The command's file. @default dist/cli/onnsight.js */
  readonly binary?: string
}

const built = resolve('dist/cli/onnsight.js')

/** Runs the built command in a process of its own. */
export function onnsight(
  args: readonly string[],
  { cwd, env, input, binary = built }: SpawnOptions = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [binary, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined, ONNSIGHT_DEBUG: undefined, ...env },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.end(input ?? '')
  return new Promise((settle, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      settle({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
  })
}
