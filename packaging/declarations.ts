import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

// The last step of `npm run build`. tsc writes `./x.js` into scripts but leaves `./x.ts` in declarations, which TypeScript before 5.0 can't resolve.
const RELATIVE = /(\bfrom |\bimport\(|^import |^declare module )(["'])(\.{1,2}\/[^"']+)\.ts\2/gm

for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue
  const text = readFileSync(`dist/${file}`, 'utf8')
  writeFileSync(`dist/${file}`, text.replaceAll(RELATIVE, '$1$2$3.js$2'))
}
