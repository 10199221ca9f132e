import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'

// Tests which configuration withOnnsight returns. test/apps uses it with Next.js itself.

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'onnsight-next-')))
test.after.always(() => rmSync(folder, { recursive: true }))
let projects = 0

interface Parts {
  /** The version of the installed Next.js. @default '16.4.6' */
  readonly version?: string
  /** The name of the configuration's file. @default 'next.config.mjs' */
  readonly name?: string
  readonly config: string
  /** The variable TURBOPACK as Next sets it: 'auto', '1', or not at all for webpack. */
  readonly turbopack?: string
  readonly withoutBabel?: boolean
}

interface Seen {
  readonly config: {
    readonly [key: string]: unknown
    readonly turbopack?: { readonly rules: Record<string, unknown>; readonly [key: string]: unknown }
  }
  /** How often the configuration's function was called, and with what. */
  readonly calls: unknown[]
  /** The result of the webpack function for a configuration with one rule. */
  readonly webpack?: { readonly module: { readonly rules: unknown[] }; readonly [key: string]: unknown }
}

/** Reads the configuration as Next does, in a child process, and prints what is in it. Patterns become texts. */
const NEXT = `
const module = await import('./' + process.argv[2])
let given = module.default ?? module
const context = { defaultConfig: { output: 'default' } }
const config = await (typeof given === 'function' ? given('phase-production-build', context) : given)
const own = { context: '/app', module: { strict: true, rules: ['own'] } }
const webpack = config.webpack?.(own, { isServer: true })
const text = (key, value) => (value instanceof RegExp ? String(value) : value)
console.log(JSON.stringify({ config, webpack, calls: globalThis.calls ?? [] }, text))
`

async function run({ version = '16.4.6', name = 'next.config.mjs', config, turbopack, withoutBabel }: Parts) {
  const project = join(folder, String(projects++))
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), content)
  }
  write('package.json', '{}')
  write('node_modules/next/package.json', JSON.stringify({ name: 'next', version }))
  write(name, config)
  write('next.mjs', NEXT)
  if (withoutBabel) for (const path of ['package.json', 'dist/macro']) copy(path, project)
  else symlinkSync(process.cwd(), join(project, 'node_modules/onnsight'))
  const env = { ...process.env, TURBOPACK: turbopack, NO_COLOR: undefined, FORCE_COLOR: '0' }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['next.mjs', name], {
    cwd: project,
    env,
  }).catch((error: { stdout: string; stderr: string }) => error)
  return { stdout, stderr }
}

function copy(path: string, project: string): void {
  cpSync(path, join(project, 'node_modules/onnsight', path), { recursive: true })
}

async function seen(t: ExecutionContext, parts: Parts): Promise<Seen> {
  const { stdout, stderr } = await run(parts)
  t.is(stderr.replaceAll(/.*ExperimentalWarning.*\n|\(Use `node --trace-warnings.*\n/g, ''), '')
  return JSON.parse(stdout) as Seen
}

const GLOB = '*.{js,jsx,mjs,cjs,ts,tsx,mts,cts}'
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const LOADER = { loader: 'onnsight/loader', options: { version } }
const RULE = {
  condition: { all: [{ not: 'foreign' }, { content: '/onnsight\\/trace\\.macro/' }] },
  loaders: [LOADER],
}

for (const [what, name, text] of [
  [
    'an object, in a module',
    'next.config.mjs',
    `import { withOnnsight } from 'onnsight/next'\nexport default withOnnsight({ reactStrictMode: true })`,
  ],
  [
    'an object, in CommonJS',
    'next.config.cjs',
    `const { withOnnsight } = require('onnsight/next')\nmodule.exports = withOnnsight({ reactStrictMode: true })`,
  ],
  [
    'a promise',
    'next.config.mjs',
    `import { withOnnsight } from 'onnsight/next'\nexport default withOnnsight(Promise.resolve({ reactStrictMode: true }))`,
  ],
  [
    'a function',
    'next.config.cjs',
    `const { withOnnsight } = require('onnsight/next')
     module.exports = withOnnsight((...given) => { globalThis.calls = [given]; return { reactStrictMode: true } })`,
  ],
  [
    'an async function',
    'next.config.mjs',
    `import { withOnnsight } from 'onnsight/next'
     export default withOnnsight(async (...given) => { globalThis.calls = [given]; return { reactStrictMode: true } })`,
  ],
] as const) {
  test(`${what}: kept, and called as Next calls it; a rule for Turbopack is added`, async t => {
    const { config, calls } = await seen(t, { name, config: text, turbopack: 'auto' })
    t.deepEqual(config, { reactStrictMode: true, turbopack: { rules: { [GLOB]: RULE } } })
    if (what.includes('function'))
      t.deepEqual(calls, [['phase-production-build', { defaultConfig: { output: 'default' } }]])
  })
}

const wrap = (config: string): string =>
  `import { withOnnsight } from 'onnsight/next'\nexport default withOnnsight(${config})`

test('nothing is a configuration too', async t => {
  t.deepEqual((await seen(t, { config: wrap(''), turbopack: '1' })).config, { turbopack: { rules: { [GLOB]: RULE } } })
})

test('rules of the configuration come after the macro’s, and those for the same files stay', async t => {
  const other = { loaders: ['@svgr/webpack'], as: '*.js' }
  for (const [own, due] of [
    ["{ loaders: ['a'] }", [RULE, { loaders: ['a'] }]],
    ["['a', { loader: 'b' }]", [RULE, 'a', { loader: 'b' }]],
    ["[{ condition: 'browser', loaders: ['a'] }]", [RULE, { condition: 'browser', loaders: ['a'] }]],
  ] as const) {
    const rules = `{ '*.svg': ${JSON.stringify(other)}, '${GLOB}': ${own} }`
    const { config } = await seen(t, {
      config: wrap(`{ turbopack: { root: '/app', rules: ${rules} } }`),
      turbopack: '1',
    })
    t.deepEqual(config.turbopack, { root: '/app', rules: { [GLOB]: due, '*.svg': other } })
    t.deepEqual(Object.keys(config.turbopack!.rules), [GLOB, '*.svg'])
  }
})

test('for webpack the loader comes before all others, after what an own function does', async t => {
  const plain = await seen(t, { config: wrap('{}') })
  t.is(plain.config.turbopack, undefined)
  const own = await seen(t, {
    config: wrap(
      '{ webpack: (config, { isServer }) => ({ ...config, isServer, module: { ...config.module, rules: [...config.module.rules, 2] } }) }',
    ),
  })
  t.is(own.webpack?.isServer, true)
  for (const [{ webpack }, before] of [
    [plain, ['own']],
    [own, ['own', 2]],
  ] as const) {
    t.is(webpack!.context, '/app')
    t.like(webpack!.module, { strict: true })
    const { rules } = webpack!.module
    t.deepEqual(rules.slice(0, -1), before)
    t.like(rules.at(-1), {
      enforce: 'pre',
      use: [{ loader: join(process.cwd(), 'dist/macro/bundlers/webpack-loader.js'), options: { version } }],
    })
  }
  // Next reports that by its own error.
  t.is((await seen(t, { config: wrap('{ webpack: () => undefined }') })).webpack, undefined)
})

test('Next 15.3 to 15.5 has conditions by name', async t => {
  const own = "{ conditions: { '#mine': { path: '*.svg' } }, rules: { '#mine': { loaders: ['a'] } } }"
  const { config } = await seen(t, { version: '15.5.29', config: wrap(`{ turbopack: ${own} }`), turbopack: '1' })
  t.deepEqual(config.turbopack, {
    conditions: { '#mine': { path: '*.svg' }, '#onnsight': { path: GLOB, content: '/onnsight\\/trace\\.macro/' } },
    rules: { '#onnsight': { foreign: false, default: { loaders: [LOADER] } }, '#mine': { loaders: ['a'] } },
  })
})

test('an older Turbopack is refused with the version; the same Next by webpack works', async t => {
  for (const version of ['14.2.35', '15.2.9']) {
    const { stderr } = await run({ version, config: wrap(''), turbopack: '1' })
    t.true(stderr.includes(`from Next.js 15.3 on, and this project has ${version}.`), stderr)
    t.regex(stderr, /Do this: npm install next@latest/)
    t.is((await seen(t, { version, config: wrap('') })).webpack?.module.rules.length, 2)
  }
})

test('a webpack function that Turbopack would pass over is told, as Next tells it without onnsight', async t => {
  const config = wrap('{ webpack: config => config }')
  const { stderr } = await run({ config, turbopack: 'auto' })
  t.regex(stderr, /has a webpack function, and Turbopack does not call it\.\n {2}Do this: next build --webpack/)
  // Chosen by hand, or answered.
  await seen(t, { config, turbopack: '1' })
  await seen(t, { config: wrap('{ webpack: config => config, turbopack: {} }'), turbopack: 'auto' })
})

test('what is no configuration is refused', async t => {
  const { stderr } = await run({ config: wrap("'next'"), turbopack: '1' })
  t.regex(
    stderr,
    /TypeError: withOnnsight takes Next's configuration, and was given string\.\n {2}Do this: withOnnsight\(/,
  )
})

test('without Babel a build says what to install; next start needs none', async t => {
  const due =
    /onnsight\/next needs Babel, and @babel\/core is not installed\.\n {2}Do this: npm install --save-dev @babel\/core/
  t.regex((await run({ config: wrap(''), turbopack: 'auto', withoutBabel: true })).stderr, due)
  // The function for webpack is only called in a build.
  const { stderr } = await run({ config: wrap(''), withoutBabel: true })
  t.regex(stderr, due)
  const started =
    `${wrap('')}\n`.replace('export default ', 'const config = ') + 'export default { ...config, webpack: undefined }'
  await seen(t, { config: started, withoutBabel: true })
})
