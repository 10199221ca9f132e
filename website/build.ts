// npm run site: builds the documentation into site/. `-- --out FOLDER --base /onnsight/` for another folder, and for a site below a path.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'vitepress'
import { stagePages } from './pages.ts'
import { writeReference } from './reference.ts'

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'site' }, base: { type: 'string', default: '/' } },
})
stagePages('website/.pages')
await writeReference('website/.pages/reference')
await build('website', { outDir: resolve(values.out), base: values.base })
