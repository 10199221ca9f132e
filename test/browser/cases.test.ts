import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Page } from 'playwright-core'
import type { Case } from '../cases/case.ts'
import type { Outcome } from '../cases/runner.ts'
import { chromiumPath, openSite, type Site } from './site.ts'

// Every stored case in Chromium, on onnxruntime-web.

const run = chromiumPath ? test.serial : test.serial.skip
let site: Site | undefined
let page: Page
test.before(async t => {
  t.timeout(300_000)
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  site = await openSite('test/browser/pages', 'test/fixtures')
  page = await site.open('/')
  await page.waitForFunction('globalThis.attempt')
})
test.after.always(async () => site?.close())

for (const [folder, count] of [
  ['', 71],
  ['/gradients', 18],
] as const) {
  run(`every stored case of reads, edits, gradients and generations, in Chromium${folder}`, async t => {
    t.timeout(600_000)
    const cases = JSON.parse(readFileSync(`test/fixtures${folder}/cases.json`, 'utf8')) as Case[]
    const failures: string[] = []
    for (const entry of cases) {
      const { failure } = await page.evaluate(
        ([one, at]) =>
          (globalThis as unknown as { attempt(...args: unknown[]): Promise<Outcome> }).attempt(one, 'wasm', at),
        [entry, folder] as const,
      )
      if (failure !== undefined) failures.push(`${entry.id}: ${failure}`)
    }
    t.deepEqual(failures, [])
    t.is(cases.length, count)
  })
}
