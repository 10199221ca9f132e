import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import * as babel from '@babel/core'
import test from 'ava'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { version } from '#dist/runtime/version.js'
import { packed, root } from '../consumers/packed.ts'

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly sideEffects: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

const folder = mkdtempSync(join(tmpdir(), 'onnsight-tarball-'))
const inside = join(folder, 'package')

test.before(async () => {
  execFileSync('tar', ['xzf', await packed(), '-C', folder])
})
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const manifest = (): Manifest => JSON.parse(readFileSync(join(inside, 'package.json'), 'utf8'))
const files = (): string[] =>
  readdirSync(inside, { recursive: true, encoding: 'utf8' }).map(file => file.split('\\').join('/'))

test('publint finds nothing', async t => {
  const { messages, pkg } = await publint({ pkgDir: inside, level: 'suggestion', strict: true })
  t.deepEqual(
    messages.map(message => formatMessage(message, pkg)),
    [],
  )
})

test('arethetypeswrong finds nothing, for a package of modules', async t => {
  const tool = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  const shown = execFileSync(process.execPath, [tool, await packed(), '--profile', 'esm-only', '--format', 'json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const { problems, analysis } = JSON.parse(shown) as { problems?: object; analysis: { problems: readonly Problem[] } }
  // Types of what CommonJS gets by require(): Node gives it the module, and the profile leaves it out.
  const other = analysis.problems.filter(
    ({ resolutionKind }) => resolutionKind !== 'node16-cjs' && resolutionKind !== 'node10',
  )
  t.deepEqual(other, [], JSON.stringify(problems))
})

interface Problem {
  readonly kind: string
  readonly resolutionKind?: string
}

test('every entry leads to files that are in the tarball', t => {
  const targets = Object.values(manifest().exports).flatMap(entry =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  t.true(targets.length > 25)
  const all = new Set(files())
  for (const target of [...targets, ...manifest().sideEffects]) t.true(all.has(target.slice(2)), target)
})

/** Scripts that can be imported: the page of `onnsight view` is a bundle that its server hands to browsers. */
const modules = (): string[] =>
  files().filter(name => /^dist\/.*\.js$/.test(name) && !name.startsWith('dist/cli/view/page/'))

test('every source map has its sources inside it, or beside it in the tarball', t => {
  const maps = files().filter(file => file.endsWith('.map'))
  t.true(maps.length > 100)
  const all = new Set(files())
  for (const file of maps) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(inside, file), 'utf8')) as {
      sources: string[]
      sourcesContent?: (string | null)[]
    }
    for (const [i, source] of sources.entries()) {
      const path = relative(inside, resolve(inside, dirname(file), source))
      t.true(typeof sourcesContent?.[i] === 'string' || all.has(path), `${file}: ${source}`)
    }
  }
  // And each script says which map is its own.
  for (const file of modules())
    t.regex(readFileSync(join(inside, file), 'utf8'), /\n\/\/# sourceMappingURL=\S+\.js\.map\s*$/, file)
})

test('what a user installs by choice is an optional peer, and no dependency', t => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest()
  const peers = [
    '@babel/core',
    '@babel/preset-typescript',
    '@huggingface/tokenizers',
    'apache-arrow',
    'onnxruntime-node',
    'onnxruntime-web',
  ]
  t.deepEqual(Object.keys(peerDependencies).sort(), peers)
  for (const peer of peers) {
    t.true(peerDependenciesMeta[peer].optional)
    t.false(peer in dependencies)
  }
})

test('the version that the code says is the package’s', t => {
  t.is(version, manifest().version)
})

test('sideEffects names every module that does something when it is imported, and no other', t => {
  const acting = modules()
    .filter(file => acts(readFileSync(join(inside, file), 'utf8')))
    .map(file => `./${file}`)
  t.deepEqual([...manifest().sideEffects].sort(), acting.sort())
})

test('what acts on import is nothing that a path of its own leads to, but for those that are imported for it', t => {
  const acting = new Set(manifest().sideEffects)
  const paths = Object.entries(manifest().exports)
    .filter(([, entry]) => typeof entry === 'object' && acting.has(entry.default))
    .map(([path]) => path)
  t.deepEqual(paths, ['.', './internal', './register', './jest'])
})

/** A statement at a module's top that is run for what it does: a call, a loop, an assignment to what is not its own. */
function acts(code: string): boolean {
  const program = babel.parseSync(code, { configFile: false, babelrc: false, sourceType: 'module' })?.program
  return (program?.body ?? []).some(statement => {
    if (/^(Import|Export(Named|All|Default)|Function|Class|Variable)Declaration$/.test(statement.type)) return false
    // TypeScript's enums, and names of classes within them, are set in variables of the module's own.
    if (statement.type !== 'ExpressionStatement') return true
    const { expression } = statement
    if (expression.type === 'AssignmentExpression') return expression.left.type !== 'Identifier'
    if (expression.type !== 'CallExpression') return true
    const { callee, arguments: given } = expression
    return callee.type !== 'FunctionExpression' || given[0]?.type !== 'LogicalExpression'
  })
}
