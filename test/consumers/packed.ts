import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../../', import.meta.url))

let packing: Promise<string> | undefined

/** Packs the package once, in the form in which it is published, and returns the path of its tarball. */
export function packed(): Promise<string> {
  packing ??= pack()
  return packing
}

async function pack(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-packed-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  // Scripts do not run: prepare would build again while other tests use the build.
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: root, maxBuffer: 2 ** 26 },
  )
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}
