import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The secret of an address, and the port to try first. */
export interface Address {
  readonly token: string
  readonly port: number
}

/** Ports that systems do not give to connections by themselves. */
const [FIRST_PORT, PORTS] = [20_000, 10_000] as const

/**
 * The address of the page of a model, or of two: the same each time, so that links and open pages are good again when the command is restarted. It is derived
 * from a key that only the user can read. If no key can be kept, each address is new.
 */
export function addressOf(...sources: readonly (string | undefined)[]): Address {
  const name = sources
    .filter(source => source !== undefined)
    .map(source => (existsSync(source) ? resolve(source) : source))
    .join('\n')
  const hash = createHmac('sha256', keptKey() ?? randomBytes(32))
    .update(name)
    .digest()
  return { token: hash.subarray(0, 24).toString('base64url'), port: FIRST_PORT + (hash.readUInt32BE(24) % PORTS) }
}

function keptKey(): Buffer | undefined {
  const folder = join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'onnsight')
  const path = join(folder, 'view-key')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // The flag fails if there is a key already, which then counts.
    if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' })
    const key = readFileSync(path)
    return key.length === 32 ? key : undefined
  } catch {
    return undefined
  }
}
