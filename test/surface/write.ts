import { writeFileSync } from 'node:fs'
import { readSurface, reportOf } from './report.ts'

writeFileSync('test/surface/public-surface.txt', reportOf(readSurface()))
