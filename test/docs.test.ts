import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { pages } from './pages.ts'

// The pages' programs are run by package/programs.test.ts.
test('every picture of a page lies in the package, beside the pages', t => {
  let count = 0
  for (const page of pages)
    for (const [, path] of readFileSync(page, 'utf8').matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)) {
      t.true(existsSync(join(dirname(page), path)), `${page}: ${path}`)
      t.regex(join(dirname(page), path), /^docs\/pictures\//)
      count++
    }
  t.true(count > 4)
})
