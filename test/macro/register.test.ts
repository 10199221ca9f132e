import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs a file of a project that has onnsight installed: `node --import onnsight/register file`. */
async function runFile(
  files: Record<string, string>,
  name: string,
  loader = '--import=onnsight/register',
): Promise<{ stdout: string; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'onnsight-register-'))
  try {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'onnsight'), 'junction')
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    const flags = ['--enable-source-maps', loader]
    return await promisify(execFile)(process.execPath, [...flags, join(folder, name)], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: '0' },
    }).catch(error => error)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A model that runs nothing but the block. */
const MODEL = `const model: any = null
interface Point { x: number }
`

test('TypeScript files run, with the macro, and files that they import', async t => {
  const { stdout, stderr } = await runFile(
    {
      'main.mts': `import { s } from 'onnsight/trace.macro'\nimport { n } from './other.ts'\nconsole.log(n as number, typeof s\`:, -1\`)`,
      'other.ts': 'export enum E { A = 41 }\nexport const n: number = E.A + 1\n',
    },
    'main.mts',
  )
  t.is(stdout, '42 object\n', stderr)
})

test('an error in a block points at the line of the TypeScript file', async t => {
  const { stderr } = await runFile(
    {
      'main.ts': `import { trace } from 'onnsight/trace.macro'
${MODEL}
const point: Point = { x: 1 }
await trace(model, point, async () => {
  point.x += 1
})
`,
    },
    'main.ts',
  )
  t.regex(stderr, /main\.ts:6/)
  t.regex(stderr, /not a model/)
})

for (const [name, type] of [
  ['main.js', 'module'],
  ['main.mjs', 'commonjs'],
] as const) {
  test(`JavaScript that uses the macro runs: ${name} in a ${type} package`, async t => {
    const { stdout, stderr } = await runFile(
      {
        'package.json': JSON.stringify({ type }),
        [name]: `import { s } from 'onnsight/trace.macro'\nconsole.log(typeof s\`0\`)`,
      },
      name,
    )
    t.is(stdout, 'object\n', stderr)
  })
}

test('JavaScript of a CommonJS package: the macro is refused, the rest runs', async t => {
  const files = {
    'package.json': JSON.stringify({ type: 'commonjs' }),
    'main.mjs': "import './plain.js'\nimport './common.js'",
    'plain.js': '// not with onnsight/trace.macro\nconsole.log(typeof require, typeof module)',
    'common.js': "const { s } = require('onnsight/trace.macro')\ns`0`",
  }
  t.is((await runFile(files, 'main.mjs')).stdout, '')
  t.regex((await runFile(files, 'main.mjs')).stderr, /common\.js is a CommonJS file[\s\S]*use import/)
  t.is((await runFile({ ...files, 'main.mjs': "import './plain.js'" }, 'main.mjs')).stdout, 'function object\n')
})

test('a wrong slice shows its place', async t => {
  const { stderr } = await runFile(
    { 'main.ts': "import { s } from 'onnsight/trace.macro'\nexport const wrong = s`0, ::0`\n" },
    'main.ts',
  )
  t.regex(stderr, /a step can’t be 0/)
  t.regex(stderr, /> 2 \| export const wrong = s`0, ::0`/)
})

for (const name of ['trace', 'save', 'stop', 's', 'session', 'invoke', 'cache', 'barrier']) {
  test(`without the macro, ${name}() throws, shows the calling line and says how to switch it on`, async t => {
    const text = `import { ${name} as form } from 'onnsight/trace.macro'\n\nconst a = 1\nform(a) // here\n`
    const { stderr } = await runFile({ 'main.mjs': text }, 'main.mjs', '--no-warnings')
    t.regex(stderr, new RegExp(`MacroNotExpandedError: ${name}\\(\\)`))
    t.regex(stderr, /main\.mjs:4:1/)
    t.regex(stderr, /> +4 \| form\(a\) \/\/ here/)
    t.regex(stderr, /--import onnsight\/register[\s\S]*onnsight\/babel-plugin/)
  })
}

test('a bundle that holds the macro unexpanded: the place is told, and the line is not shown, which is the whole program', async t => {
  const text = `import { trace } from 'onnsight/trace.macro'\ntry { trace('${'x'.repeat(5000)}') } catch (error) { console.log(error.message) }\n`
  const { stdout } = await runFile({ 'main.mjs': text }, 'main.mjs', '--no-warnings')
  t.regex(stdout, /not expanded at build time\.\n.*main\.mjs:2:\d+\n {2}Do this: run/)
  t.regex(stdout, /withOnnsight\(\) from 'onnsight\/next'/)
  t.notRegex(stdout, /xxxx/)
})

for (const [path, file] of [
  ['./other.js', 'other.ts'],
  ['./other', 'other.ts'],
  ['./other.js', 'other.tsx'],
  ['./other.mjs', 'other.mts'],
  ['./folder', 'folder/index.ts'],
] as const) {
  test(`a TypeScript file imports ${path}, and gets ${file}`, async t => {
    const main = `import { n } from '${path}'\nimport type { Point } from './absent.js'\nconsole.log(n as number)`
    const { stdout, stderr } = await runFile({ 'main.mts': main, [file]: 'export const n: number = 42\n' }, 'main.mts')
    t.is(stdout, '42\n', stderr)
  })
}

test('a JavaScript file comes before a TypeScript one, and what is missing is told as Node tells it', async t => {
  const files = {
    'other.js': 'export const n = 1\n',
    'other.ts': 'export const n: number = 2\n',
    'package.json': '{"type":"module"}',
  }
  const { stdout } = await runFile({ ...files, 'main.ts': `import { n } from './other.js'\nconsole.log(n)` }, 'main.ts')
  t.is(stdout, '1\n')
  for (const path of ['./nothing.js', './nothing', 'nothing']) {
    const { stderr } = await runFile({ 'main.ts': `import '${path}'` }, 'main.ts')
    t.regex(stderr, /ERR_MODULE_NOT_FOUND\]: Cannot find (module|package) '[^']*nothing(\.js)?' imported from /)
  }
})
