// npm run operations: writes docs/operations.md anew.
import { writeFileSync } from 'node:fs'
import { document } from './document.ts'

writeFileSync('docs/operations.md', document())
