// npm run app -- NAME: installs an app with this repository's onnsight in it, and starts it.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const names = readdirSync(folder, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? entry.name : []))
const [, , name = ''] = process.argv
if (!names.includes(name)) {
  console.error(`npm run app -- NAME, where NAME is one of ${names.join(', ')}`)
  process.exit(1)
}
const app = join(folder, name)
const npm = (args: string[], cwd: string): void => {
  execFileSync('npm', args, { cwd, stdio: 'inherit' })
}
npm(['pack', '--pack-destination', folder], join(folder, '../..'))
const [tarball] = readdirSync(folder).filter(file => file.endsWith('.tgz'))
npm(['ci'], app)
npm(['install', '--no-save', join(folder, tarball)], app)
npm(['start'], app)
