// npm run errors: makes docs/errors.md
import { writeFileSync } from 'node:fs'
import { document } from './document.ts'

writeFileSync('docs/errors.md', await document())
process.exit()
