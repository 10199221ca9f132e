import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const flags = ['--import', 'onnsight/register']

export interface Printed {
  readonly logits?: readonly number[]
  readonly code?: string
  readonly message?: string
}

/** Runs `logits.ts`, and returns what it prints. @param limit the largest size of files that it may write, in KiB */
export async function logitsInChild(path: string, cacheFolder: string, limit?: number): Promise<Printed> {
  const command = [process.execPath, ...flags, 'test/cache/logits.ts', path, cacheFolder]
  const [file, ...args] =
    limit === undefined ? command : ['bash', '-c', `ulimit -f ${limit}; exec "$@"`, 'bash', ...command]
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout) as Printed
}

export interface Memory {
  /** Bytes of private memory that a loaded model takes. */
  readonly memory: number
  /** The same after an edit has run often. */
  readonly edited: number
  readonly y: readonly number[]
}

/** Runs `memory.ts`, and returns what it prints. */
export async function memoryInChild(path: string, ...cacheFolder: string[]): Promise<Memory> {
  const args = [...flags, 'test/cache/memory.ts', path, ...cacheFolder]
  // Large blocks of memory are given back as soon as they are free.
  const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '1000000' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26, env })
  return JSON.parse(stdout) as Memory
}

export interface Writer {
  /** Ends the process in the middle of the file. */
  kill(): Promise<void>
  /** Lets the process write the rest. */
  finish(): Promise<void>
}

/** Starts a process that has begun to write a file into a cache folder. */
export async function startWriter(folder: string, name: string): Promise<Writer> {
  const child = spawn(process.execPath, [...flags, 'test/cache/writer.ts', folder, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  for await (const line of createInterface(child.stdout)) if (line === 'begun') break
  return {
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async finish() {
      child.stdin.write('finish\n')
      await ended
    },
  }
}
