import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

/* Runs the real test runners: checks what a developer sees of a failure, and that a right test passes. */

// The folder is inside the project, so that 'onnsight' is found.
const folder = mkdtempSync('test/testing/.runners-')
test.after.always(() => rmSync(folder, { recursive: true }))

const head = `import { tensor } from 'onnsight'
import { closeTo, snapshotOf } from 'onnsight/testing'
const actual = tensor([[1, 2], [3, 4.5]])
`

function run(name: string, code: string, args: readonly string[]): Promise<{ status: number; output: string }> {
  const file = join(folder, name)
  writeFileSync(file, head + code)
  const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: undefined, NODE_TEST_CONTEXT: undefined, CI: 'true' }
  return new Promise(resolve => {
    execFile(process.execPath, [...args, file], { env }, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })
}

const runners = {
  AVA: {
    args: ['node_modules/ava/entrypoints/cli.mjs', '--config', `${folder}/ava.config.js`],
    head: "import test from 'ava'\n",
    wrap: (name: string, code: string) => `test('${name}', t => { ${code}; t.pass() })\n`,
  },
  'node:test': {
    args: ['--test', '--test-reporter=spec'],
    head: "import test from 'node:test'\n",
    wrap: (name: string, code: string) => `test('${name}', () => { ${code} })\n`,
  },
}
// The tests use neither a loader nor TypeScript, because they test the built package.
test.before(() => writeFileSync(join(folder, 'ava.config.js'), `export default { files: ['**/.runners-*/*.mjs'] }\n`))

const table = `  float32 [2, 2], |actual - expected| <= 0.00001 + 0.0000013 * |expected|
  greatest absolute difference 0.5 at [1, 1]: 4.5, expected 4`

for (const [name, { args, head, wrap }] of Object.entries(runners)) {
  const short = name.replace(/\W/g, '')

  test(`${name}: a failure shows the differences and the caller’s line`, async t => {
    const code = head + wrap('fails', 'closeTo(actual, [[1, 2], [3, 4]])')
    const { status, output } = await run(`${short}-fails.mjs`, code, args)
    t.is(status, 1, output)
    const flush = output.replace(/^ +/gm, '')
    t.true(flush.includes('Tensors are not close: 1 of 4 elements differs (25 %).'), output)
    t.true(flush.includes(table.replace(/^ +/gm, '')), output)
    t.regex(output, /\[1, 1\] {2}4\.5 {5}4 {9}0\.5/)
    t.regex(output, new RegExp(`${short}-fails\\.mjs:5:`))
    t.notRegex(output, /dist\/testing/, 'no frame of the library’s own')
  })

  test(`${name}: close tensors pass`, async t => {
    const code = head + wrap('passes', 'closeTo(actual, [[1, 2], [3, 4.5]]); snapshotOf(actual)')
    const { status, output } = await run(`${short}-passes.mjs`, code, args)
    t.is(status, 0, output)
    t.regex(output, /1 test passed|pass 1/)
  })
}
