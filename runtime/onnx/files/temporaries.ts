import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
const PATTERN = /^(.+)\.(\d+)\.([0-9a-f]{8})\.[0-9a-f]{8}\.tmp$/

/** After that long without a change, nobody is taken to be writing. */
const STALLED_MS = 10_000
/** Writers on other machines can't be looked up. */
const ABANDONED_MS = 24 * 3600_000

/** The name under which a file is written before it gets its own: it tells the process and the machine. */
export function temporaryName(name: string, random: Uint8Array): string {
  return `${name}.${process.pid}.${HOST}.${Buffer.from(random).toString('hex')}.tmp`
}

/** Removes what writers that are gone have left in a folder. Gives whether anyone is writing the file of this name. */
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

/** Milliseconds since a file was changed; undefined if it is not there any more. */
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
    // A process of another user may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
