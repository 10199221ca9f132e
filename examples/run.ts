// npm run example -- NAME: runs one of the examples.
import { existsSync, readdirSync } from 'node:fs'

const [, , name = ''] = process.argv
const names = readdirSync('examples')
  .filter(file => file.endsWith('.ts') && file !== 'run.ts')
  .map(file => file.replace('.ts', ''))
if (!existsSync(`examples/${name}.ts`) || !names.includes(name)) {
  console.error(`npm run example -- NAME, where NAME is one of ${names.join(', ')}`)
  process.exit(1)
}
await import(`./${name}.ts`)
