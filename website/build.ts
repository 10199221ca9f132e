// npm run site: builds the documentation into site/. `-- --out FOLDER --base /onnsight/` for another folder, and for a site below a path.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'vitepress'
import { stagePages } from './pages.ts'
import { writeReference } from './reference.ts'
import { splitTensorPage } from './tensor-pages.ts'

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'site' }, base: { type: 'string', default: '/' } },
})
stagePages('website/.pages')
await writeReference('website/.pages/reference')
splitTensorPage('website/.pages/reference', readFileSync('docs/operations.md', 'utf8'))
await build('website', { outDir: resolve(values.out), base: values.base })
