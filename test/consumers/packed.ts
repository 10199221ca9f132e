import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = fileURLToPath(new URL('../../', import.meta.url))

let packing: Promise<string> | undefined

/** The package as it is published, packed once: the path of its tarball. */
export function packed(): Promise<string> {
  packing ??= pack()
  return packing
}

async function pack(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-packed-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  // Without scripts: prepare would build once more, under the feet of tests that run beside this.
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: root, maxBuffer: 2 ** 26 },
  )
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}
