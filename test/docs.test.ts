import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { pages, programsOf } from './pages.ts'

// Every program of the README and the docs runs as it stands, in a folder with the example models. Those of the packed package: package/programs.test.ts.
const folder = mkdtempSync('test/.programs-')
test.before(() => cpSync('examples/models', folder, { recursive: true }))
test.after.always(() => rmSync(folder, { recursive: true }))

for (const page of pages) {
  const programs = programsOf(page)
  if (programs.length === 0) continue
  test.serial(`${page}: its ${programs.length} programs run as they stand, and print what it says`, async t => {
    for (const { name, code } of programs) writeFileSync(join(folder, `${name}.ts`), code)
    const main = join(folder, `${programs[0].name}.all.mjs`)
    writeFileSync(
      main,
      programs.map(({ name }) => `await import('./${name}.ts')\nconsole.log('── end of ${name}')\n`).join(''),
    )
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--enable-source-maps', '--import', 'onnsight/register', `${programs[0].name}.all.mjs`],
      { cwd: folder, env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: '0' }, maxBuffer: 2 ** 24 },
    )
    let rest = stdout
    for (const { name, output, printed } of programs) {
      const end = rest.indexOf(`── end of ${name}\n`)
      t.true(end >= 0, name)
      const text = rest.slice(0, end)
      rest = rest.slice(end + `── end of ${name}\n`.length)
      if (output !== undefined) t.is(text, output, name)
      for (const part of printed) t.true(text.includes(part), `${name}: ${part} is not in\n${text}`)
    }
  })
}

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
