import { readFileSync } from 'node:fs'
import test from 'ava'
import { readSurface, reportOf } from './report.ts'

const surface = readSurface()

test('the package exports what test/surface/public-surface.txt lists: npm run surface writes it', t => {
  t.is(reportOf(surface), readFileSync('test/surface/public-surface.txt', 'utf8'))
})
