import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { chromiumPath } from '../browser/site.ts'
import { catalogue } from './catalogue.ts'
import { plain, raise, section } from './document.ts'
import { closeBrowser } from './in-browser.ts'

const page = readFileSync('docs/errors.md', 'utf8')

test('the catalogue has every code that the source has, and no other', t => {
  const files = [...readdirSync('runtime/errors').map(name => `runtime/errors/${name}`), 'macro/not-expanded.ts']
  const codes = files.flatMap(file =>
    Array.from(
      readFileSync(file, 'utf8').matchAll(/^ {2}(?:static )?readonly code = '([\w-]+)'/gm),
      ([, code]) => code,
    ),
  )
  t.true(codes.length > 45)
  t.deepEqual(Object.keys(catalogue).sort(), [...codes].sort())
})

test.after.always(closeBrowser)

// The programs run one after the other, because they share one process, and some of them release or abort what they use.
for (const [code, entry] of Object.entries(catalogue)) {
  test.serial(`${code}: its program raises it, with the text and the code frame that docs/errors.md shows`, async t => {
    const error = await raise(code)
    if (!error && code === 'cuda-unavailable') return t.log('Not tested: CUDA is here.')
    if (!error && entry.where === 'browser' && !chromiumPath) return t.log('Not tested: no Chromium here.')
    t.is(error?.code, code, error?.message)
    t.regex(error!.message, /\n {2}Do this: \S/)
    t.true(
      page.includes(section(code, entry, error!)),
      `docs/errors.md is old: npm run errors\n${plain(code, error!.message)}`,
    )
  })
}
