import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
const PATTERN = /^(.+)\.(\d+)\.([0-9a-f]{8})\.[0-9a-f]{8}\.tmp$/

/** A file that was not changed for so long is no longer being written. */
const STALLED_MS = 10_000
/** A file of this age is removed whoever wrote it: whether a process on another machine runs can't be looked up. */
const ABANDONED_MS = 24 * 3600_000

/** A temporary name for a file that is being written. It contains the process and the machine. */
export function temporaryName(name: string, random: Uint8Array): string {
  return `${name}.${process.pid}.${HOST}.${Buffer.from(random).toString('hex')}.tmp`
}

/** Removes temporary files of processes that have ended. Returns whether a process is writing the file `name`. */
export async function clearTemporaries(folder: string, name: string): Promise<boolean> {
  let isBeingWritten = false
  for (const entry of await readdir(folder)) {
    const found = PATTERN.exec(entry)
    if (!found) continue
    const [, target, pid, host] = found
    const path = join(folder, entry)
    const age = await ageOf(path)
    if (age === undefined) continue
    const isGone = age > ABANDONED_MS || (host === HOST && !isRunning(Number(pid)))
    if (isGone) await rm(path, { force: true }).catch(() => {})
    else if (target === name && age < STALLED_MS) isBeingWritten = true
  }
  return isBeingWritten
}

/** Milliseconds since a file was changed; undefined if it has been removed. */
async function ageOf(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: the process runs, and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
