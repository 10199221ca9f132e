import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import test from 'ava'
import { installLine, missingLibraries } from '#dist/cli/doctor/checks/cuda.js'
import { checkNode } from '#dist/cli/doctor/checks/node.js'
import type { Diagnosis } from '#dist/cli/doctor/diagnose.js'
import { oldestVersions } from '#dist/cli/doctor/oldest-versions.js'
import { openProject } from '#dist/cli/doctor/project.js'
import { isAtLeast } from '#dist/macro/bundlers/is-at-least.js'
import { onnsight } from './spawn.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'onnsight-doctor-')))
test.after.always(() => rmSync(folder, { recursive: true }))
let projects = 0

interface Parts {
  /** Packages of this repository to link into the project; `name@own` links the repository's package `own` as `name`. */
  readonly packages?: readonly string[]
  /** The contents of files by path; an object is written as JSON. */
  readonly files?: Readonly<Record<string, string | object>>
  readonly without?: readonly string[]
}

/** The packages that onnsight itself needs. */
const own = ['@bufbuild/protobuf', '@petamoriken/float16', 'commander', 'fastest-levenshtein', 'lru-cache', 'pure-rand']
const defaultPackages = [...own, 'onnxruntime-node', 'babel-plugin-macros', '@babel/core', '@babel/preset-typescript']
const macros = { 'babel.config.json': { plugins: ['macros'] } }

/** Makes a project in its own folder. onnsight is copied, because Node resolves the imports of a linked package from the link's target. */
function makeProject({ packages = [], files = {}, without = [] }: Parts): string {
  const project = join(folder, String(projects++))
  for (const entry of [...defaultPackages, ...packages].filter(name => !without.includes(name))) {
    const [, name, from = name] = /^(@?[^@]+)(?:@(.+))?$/.exec(entry)!
    link(resolve('node_modules', from), join(project, 'node_modules', name))
  }
  if (!without.includes('onnsight')) copyOnnsight(join(project, 'node_modules/onnsight'))
  // With a lockfile, because one in a folder above would decide the package manager.
  const all = { 'package.json': { name: 'app', type: 'module' }, 'package-lock.json': {}, ...files }
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return project
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  symlinkSync(from, to)
}

function copyOnnsight(to: string): void {
  for (const name of ['package.json', 'trace.macro.js', 'dist'])
    cpSync(name, join(to, name), { recursive: true, filter: path => !/\.(map|d\.ts)$/.test(path) })
}

async function doctor(project: string, env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await onnsight(['doctor', '--json'], { cwd: project, env })
  const diagnosis = JSON.parse(stdout) as Diagnosis
  const of = (check: string) => diagnosis.findings.find(finding => finding.check === check)
  return { code, stderr, diagnosis, of }
}

test('in a correct project every check is ok and the exit code is 0', async t => {
  const project = makeProject({ files: macros })
  const { code, stderr, diagnosis } = await doctor(project, { XDG_CACHE_HOME: join(folder, 'cache') })
  t.is(stderr, '')
  t.is(diagnosis.version, 1)
  t.is(diagnosis.project, project)
  const checks = [
    'node',
    'onnsight',
    'onnxruntime-node',
    'cuda',
    'onnxruntime-web',
    'babel',
    'babel-plugin-macros',
    'macro',
    'tools',
    'cache',
  ]
  t.deepEqual(
    diagnosis.findings.map(({ check }) => check),
    checks,
  )
  const wrong = diagnosis.findings.filter(({ check, status }) => status !== 'ok' && check !== 'cuda')
  t.deepEqual(wrong, [])
  t.is(code, 0)
  const { stdout } = await onnsight(['doctor', '--project', project])
  t.regex(stdout, /^ok {4}Node \d+\.\d+\.\d+\nok {4}onnsight \d/)
  t.regex(stdout, /ok {4}onnxruntime-node [\d.]+: a session runs on the CPU\n/)
  t.regex(stdout, /ok {4}The macro is expanded by this project’s Babel\n/)
})

test('the doctor also checks this repository', async t => {
  const { code, of } = await doctor('.')
  t.is(code, 0)
  t.is(of('onnsight')?.status, 'ok')
  t.is(of('macro'), undefined)
})

/** An onnxruntime-node of another kind. */
const runtime = (version: string, code: string) => ({
  'node_modules/onnxruntime-node/package.json': { name: 'onnxruntime-node', version, main: 'index.cjs' },
  'node_modules/onnxruntime-node/index.cjs': code,
})
const real = `module.exports = require(${JSON.stringify(resolve('node_modules/onnxruntime-node'))})`

for (const [what, parts, check, status, message, fix] of [
  [
    'no onnxruntime-node',
    { without: ['onnxruntime-node'] },
    'onnxruntime-node',
    'fail',
    /not installed/,
    /^npm install onnxruntime-node$/,
  ],
  [
    'an onnxruntime-node whose binary does not load',
    {
      without: ['onnxruntime-node'],
      files: runtime('1.30.0', "throw new Error('libonnxruntime.so.1: cannot open shared object file')"),
    },
    'onnxruntime-node',
    'fail',
    /1\.30\.0 does not work on .*libonnxruntime\.so\.1: cannot open/,
    /npm install onnxruntime-node/,
  ],
  [
    'an onnxruntime-node that ends the process',
    { without: ['onnxruntime-node'], files: runtime('1.30.0', "process.kill(process.pid, 'SIGKILL')") },
    'onnxruntime-node',
    'fail',
    /does not work on .*ended by SIGKILL/,
    /npm install onnxruntime-node/,
  ],
  [
    'an older onnxruntime-node',
    { without: ['onnxruntime-node'], files: runtime('1.22.0', real) },
    'onnxruntime-node',
    'fail',
    /1\.22\.0 is installed, but onnsight needs 1\.29/,
    /^npm install onnxruntime-node@\^1\.29\.0$/,
  ],
  ['no onnsight', { without: ['onnsight'] }, 'onnsight', 'warn', /not installed in/, /^npm install onnsight$/],
  [
    'an onnxruntime-web that is too old',
    { files: { 'node_modules/onnxruntime-web/package.json': { name: 'onnxruntime-web', version: '1.19.2' } } },
    'onnxruntime-web',
    'fail',
    /1\.19\.2 is installed, but onnsight needs 1\.29/,
    /^npm install onnxruntime-web@\^1\.29\.0$/,
  ],
  [
    'an onnxruntime-web of another version',
    { files: { 'node_modules/onnxruntime-web/package.json': { name: 'onnxruntime-web', version: '1.99.2' } } },
    'onnxruntime-web',
    'warn',
    /version 1\.99\.2, but onnxruntime-node has 1\./,
    /npm install onnxruntime-web@1\.\d+$/,
  ],
  [
    'a Jest that is too old',
    { files: { 'node_modules/jest/package.json': { name: 'jest', version: '28.1.3' } } },
    'tools',
    'warn',
    /jest 28\.1\.3 is too old: onnsight needs 29\.7 or newer/,
    /^npm install --save-dev jest@latest$/,
  ],
  [
    'a Jest that is too old, in a project of pnpm',
    { files: { 'node_modules/jest/package.json': { name: 'jest', version: '28.1.3' }, 'pnpm-lock.yaml': '' } },
    'tools',
    'warn',
    /jest 28\.1\.3/,
    /^pnpm add -D jest@latest$/,
  ],
  [
    'no onnxruntime-node, in a project that names yarn',
    { without: ['onnxruntime-node'], files: { 'package.json': { name: 'app', packageManager: 'yarn@4.18.1' } } },
    'onnxruntime-node',
    'fail',
    /not installed/,
    /^yarn add onnxruntime-node$/,
  ],
  ['no Babel', { without: ['@babel/core'] }, 'babel', 'warn', /not installed/, /npm install --save-dev @babel\/core/],
  [
    'no babel-plugin-macros',
    { without: ['babel-plugin-macros'] },
    'babel-plugin-macros',
    'warn',
    /can’t be found/,
    /npm install --save-dev babel-plugin-macros/,
  ],
  ['no Babel configuration', {}, 'macro', 'warn', /no Babel configuration/, /"plugins": \["macros"\]/],
  [
    'a configuration without the plugin',
    { files: { 'babel.config.json': { presets: ['@babel/preset-typescript'] } } },
    'macro',
    'fail',
    /no plugin in this project/,
    /"plugins": \["macros"\]/,
  ],
  [
    'a configuration that is broken',
    { files: { 'babel.config.json': '{ "plugins": [' } },
    'macro',
    'fail',
    /Babel fails\.\n.*parsing config/,
    /correct the problem that Babel reports/,
  ],
  [
    'a configuration with a plugin that is not there',
    { files: { 'babel.config.json': { plugins: ['nowhere'] } } },
    'macro',
    'fail',
    /Babel fails\.\n.*nowhere/,
    /correct the problem that Babel reports/,
  ],
  [
    'a configuration for src alone that leaves it out',
    { files: { 'babel.config.json': { plugins: ['macros'], overrides: [], ignore: ['src'] }, 'src/a.js': '' } },
    'macro',
    'fail',
    /not expanded/,
    /plugins/,
  ],
] as const satisfies readonly (readonly [string, Parts, string, string, RegExp, RegExp])[]) {
  test(`${what}: ${check} is ${status}`, async t => {
    const { code, of, diagnosis } = await doctor(makeProject(parts))
    const found = of(check)
    t.is(found?.status, status, JSON.stringify(diagnosis.findings, undefined, 1))
    t.regex(found!.message, message)
    t.regex(found!.fix!, fix)
    t.is(code, diagnosis.findings.some(finding => finding.status === 'fail') ? 1 : 0)
    if (status === 'fail') t.is(code, 1)
  })
}

test('onnsight/babel-plugin expands the macro like babel-plugin-macros, and Babel 8 like Babel 7', async t => {
  const plugin = makeProject({ files: { 'babel.config.json': { plugins: ['onnsight/babel-plugin'] } } })
  t.is((await doctor(plugin)).of('macro')?.status, 'ok')
  const eight = makeProject({ packages: ['@babel/core@babel-core-8'], without: ['@babel/core'], files: macros })
  const { of } = await doctor(eight)
  t.regex(of('babel')!.message, /^@babel\/core 8\./)
  t.is(of('babel')!.status, isAtLeast(process.versions.node, '22.18.0') ? 'ok' : 'warn')
  t.is(of('macro')!.status, 'ok')
})

const next = {
  'package.json': { name: 'app', dependencies: { next: '16.4.6' } },
  'node_modules/next/package.json': { name: 'next', version: '16.4.6' },
  // Its own Babel.
  'node_modules/next/dist/compiled/babel/core.js': `module.exports = require(${JSON.stringify(resolve('node_modules/@babel/core'))})`,
}
const withOnnsight = "import { withOnnsight } from 'onnsight/next'\nexport default withOnnsight({})\n"

for (const [what, parts, status, message, fix] of [
  [
    'withOnnsight',
    { files: { 'next.config.ts': withOnnsight } },
    'ok',
    /by withOnnsight, in next\.config\.ts$/,
    undefined,
  ],
  [
    'withOnnsight, required',
    { files: { 'next.config.js': "module.exports = require('onnsight/next').withOnnsight({})" } },
    'ok',
    /by withOnnsight, in next\.config\.js$/,
    undefined,
  ],
  [
    'withOnnsight without Babel',
    { files: { 'next.config.mjs': withOnnsight }, without: ['@babel/core'] },
    'fail',
    /@babel\/core is not installed/,
    /^npm install --save-dev @babel\/core$/,
  ],
  [
    'a Babel configuration, with Next’s own Babel',
    { files: macros, without: ['@babel/core'] },
    'ok',
    /Babel configuration, which Next\.js uses$/,
    undefined,
  ],
  [
    'a Babel configuration without the plugin',
    { files: { 'babel.config.json': { presets: [] } } },
    'fail',
    /no plugin in this project/,
    /withOnnsight/,
  ],
  [
    'neither',
    { files: { 'next.config.mjs': `// ${withOnnsight.split('\n')[0]}\n// withOnnsight({})\nexport default {}` } },
    'warn',
    /does not use withOnnsight/,
    /^npm install --save-dev @babel\/core, and in next\.config\.ts: export default withOnnsight\(nextConfig\)/,
  ],
] as const satisfies readonly (readonly [string, Parts, string, RegExp, RegExp | undefined])[]) {
  test(`Next.js, ${what}: macro is ${status}`, async t => {
    const { code, of, diagnosis } = await doctor(makeProject({ ...parts, files: { ...next, ...parts.files } }))
    const found = of('macro')
    t.is(found?.status, status, JSON.stringify(diagnosis.findings, undefined, 1))
    t.regex(found!.message, message)
    if (fix) t.regex(found!.fix!, fix)
    t.is(of('babel-plugin-macros'), undefined)
    t.is(code, status === 'fail' ? 1 : 0)
  })
}

test('two copies of onnsight in any folders fail; one copy that is linked twice does not', async t => {
  const project = makeProject({ files: macros })
  const other = join(project, 'node_modules/@scope/tool/node_modules/onnsight')
  mkdirSync(dirname(other), { recursive: true })
  symlinkSync(join(project, 'node_modules/onnsight'), other)
  t.is((await doctor(project)).of('onnsight')?.status, 'ok')
  rmSync(other)
  copyOnnsight(other)
  const { code, of } = await doctor(project)
  t.is(code, 1)
  t.regex(of('onnsight')!.message, /installed 2 times:\n[\s\S]*node_modules\/@scope\/tool\/node_modules\/onnsight/)
  t.regex(of('onnsight')!.fix!, /npm dedupe/)
})

test('the cache folder: its size is reported, and that it can’t be written', async t => {
  const project = makeProject({ files: macros })
  const cache = join(folder, 'full')
  mkdirSync(join(cache, 'onnsight'), { recursive: true })
  writeFileSync(join(cache, 'onnsight/a'), Buffer.alloc(1500))
  const full = await doctor(project, { XDG_CACHE_HOME: cache })
  t.regex(full.of('cache')!.message, /full\/onnsight: 1 files?, 1\.5 kB$/)
  const none = await doctor(project, { XDG_CACHE_HOME: '/dev/null/x' })
  t.is(none.of('cache')!.status, 'warn')
  t.is(none.code, 0)
  t.false(existsSync('/dev/null/x'))
})

test('docs/tools.md lists the versions that the doctor requires', t => {
  const rows = readFileSync('docs/tools.md', 'utf8').replaceAll(/ +/g, ' ')
  for (const [name, oldest] of Object.entries(oldestVersions)) t.true(rows.includes(`| ${name} | ${oldest} |`), name)
})

test('an older Node fails', t => {
  const project = openProject('.')
  t.is(checkNode(project, '20.19.0').status, 'ok')
  t.is(checkNode(project, '24.0.0').status, 'ok')
  const old = checkNode(project, '20.18.3')
  t.is(old.status, 'fail')
  t.regex(old.message, /Node 20\.18\.3, but onnsight needs 20\.19/)
})

const printed = `	linux-vdso.so.1 (0x00007ffd)
	libonnxruntime_providers_shared.so => not found
	libcublasLt.so.12 => not found
	libcublas.so.12 => not found
	libcudnn.so.9 => not found
	libcudart.so.12 => /usr/lib/libcudart.so.12 (0x00007f)
	libcudnn.so.9 => not found
`

test('missing CUDA libraries are named, with the command that installs them', t => {
  t.deepEqual(missingLibraries(printed), ['libcublasLt.so.12', 'libcublas.so.12', 'libcudnn.so.9'])
  t.regex(installLine(['libcublas.so.12', 'libcudnn.so.9']), /apt-get install libcudnn9-cuda-12 cuda-libraries-12-\d+,/)
  t.regex(installLine(['libcudnn.so.9']), /apt-get install libcudnn9-cuda-12,/)
  t.regex(installLine(['libcuda.so.1']), /apt-get install cuda-drivers,/)
  t.deepEqual(missingLibraries('	statically linked\n'), [])
})

const isLinux = process.platform === 'linux' && process.arch === 'x64'

test('a CUDA provider whose libraries are missing is a warning that names them', async t => {
  if (!isLinux) return t.log('Not tested: CUDA is for Linux on x64.')
  const project = makeProject({
    without: ['onnxruntime-node'],
    files: {
      ...macros,
      ...runtime('1.30.0', real),
      'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so': '',
      'bin/ldd': `#!/bin/sh\ncat <<'END'\n${printed}END\n`,
    },
  })
  chmodSync(join(project, 'bin/ldd'), 0o755)
  const { code, of } = await doctor(project, { PATH: `${join(project, 'bin')}:${process.env.PATH}` })
  t.is(of('cuda')?.status, 'warn')
  t.regex(of('cuda')!.message, /missing libcublasLt\.so\.12, libcublas\.so\.12, libcudnn\.so\.9/)
  t.is(code, 0)
})

test('a path that is not a folder is an error; versions are compared number by number', async t => {
  const { code, stdout, stderr } = await onnsight(['doctor', '--project', 'nowhere'])
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /nowhere is not a folder/)
  t.true(isAtLeast('1.30.0', '1.30.0'))
  t.true(isAtLeast('1.100.0', '1.30.0'))
  t.true(isAtLeast('v22.0.0-nightly', '20.19'))
  t.false(isAtLeast('1.9.9', '1.30.0'))
})
