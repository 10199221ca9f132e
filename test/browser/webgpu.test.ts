import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Page } from 'playwright-core'
import type { Case } from '../cases/case.ts'
import type { Outcome } from '../cases/runner.ts'
import { chromiumPath, openSite, type Site } from './site.ts'

// Cases on WebGPU, by Chromium's software adapter, which has no shader-f16.

const run = chromiumPath ? test.serial : test.serial.skip
let site: Site | undefined
let page: Page
test.before(async t => {
  t.timeout(300_000)
  if (!chromiumPath) return t.log('Skipped: no Chromium here; apt-get install chromium, or set CHROMIUM.')
  site = await openSite('test/browser/pages', 'test/fixtures', undefined, 'software-gpu')
  page = await site.open('/')
  await page.waitForFunction('globalThis.attempt')
})
test.after.always(async () => site?.close())

const casesOf = (file: string): Case[] => JSON.parse(readFileSync(file, 'utf8')) as Case[]

async function failuresOf(cases: readonly Case[], folder: string): Promise<string[]> {
  const failures: string[] = []
  for (const entry of cases) {
    const { failure } = await page.evaluate(
      ([one, at]) =>
        (globalThis as unknown as { attempt(...args: unknown[]): Promise<Outcome> }).attempt(one, 'webgpu', at),
      [entry, folder] as const,
    )
    if (failure !== undefined) failures.push(`${entry.id}: ${failure}`)
  }
  return failures
}

run('every stored case in float32, and those in float16 are refused before work', async t => {
  t.timeout(600_000)
  const cases = casesOf('test/fixtures/cases.json')
  const isHalf = ({ model }: Case): boolean => model === 'chars-fp16'
  t.deepEqual(
    await failuresOf(
      cases.filter(entry => !isHalf(entry)),
      '',
    ),
    [],
  )
  const refused = await failuresOf(cases.filter(isHalf), '')
  t.is(refused.length, cases.filter(isHalf).length)
  for (const failure of refused) t.regex(failure, /lacks shader-f16/)
})

run('the text model with fused operators and 4-bit weights', async t => {
  t.timeout(600_000)
  const cases = casesOf('test/fixtures/verse/cases.json').filter(({ model }) => model.endsWith('model_q4'))
  t.true(cases.length > 8)
  t.deepEqual(await failuresOf(cases, '/verse'), [])
})
