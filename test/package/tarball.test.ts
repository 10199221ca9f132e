import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import * as babel from '@babel/core'
import test from 'ava'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { version } from '#dist/runtime/errors/version.js'
import { packed, root } from '../consumers/packed.ts'

interface Manifest {
  readonly version: string
  readonly types: string
  readonly typesVersions: Readonly<Record<'*', Readonly<Record<string, readonly string[]>>>>
  readonly exports: Readonly<Record<string, string | Conditions>>
  readonly sideEffects: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
}

/** For each condition a file, or a file with types and a file that runs. */
type Conditions = Readonly<Record<string, string | Readonly<Record<string, string>>>>

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
  // The types of require() from CommonJS are left out, because Node returns the module, which the profile does not know.
  const other = analysis.problems.filter(
    ({ resolutionKind, entrypoint }) =>
      resolutionKind !== 'node16-cjs' && !(resolutionKind === 'node10' && WITHOUT_TYPES.has(entrypoint as string)),
  )
  t.deepEqual(other, [], JSON.stringify(problems))
})

/** Modules that are imported for their effects, and have no types. */
const WITHOUT_TYPES = new Set(['./register'])

interface Problem {
  readonly kind: string
  readonly resolutionKind?: string
  readonly entrypoint?: string
}

test('every declaration that another one leads to is in the tarball', t => {
  const all = new Set(files())
  const missing = [...all]
    .filter(file => file.endsWith('.d.ts'))
    .flatMap(file => {
      const text = readFileSync(join(inside, file), 'utf8')
      const leads = text.matchAll(/(?:\bfrom |\bimport\(|^import )["'](\.[^"']+)["']/gm)
      return Array.from(leads, ([, to]) => join(dirname(file), to).replace(/\.js$/, '.d.ts'))
    })
    .filter(file => !all.has(file))
  t.deepEqual([...new Set(missing)], [])
})

test('every entry leads to files that are in the tarball', t => {
  const filesOf = (entry: string | Conditions): string[] =>
    typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(filesOf)
  const targets = Object.values(manifest().exports).flatMap(filesOf)
  t.true(targets.length > 25)
  const all = new Set(files())
  for (const target of [...targets, ...manifest().sideEffects]) t.true(all.has(target.slice(2)), target)
})

test('tools that know no exports find the same types', t => {
  const { exports, types, typesVersions } = manifest()
  const due = Object.entries(exports).flatMap(([path, entry]) =>
    typeof entry === 'object' && typeof entry.types === 'string' ? [[path.slice(2), entry.types] as const] : [],
  )
  t.true(due.length > 12)
  for (const [path, file] of due) {
    if (path === '') t.is(types, file)
    // This subpath is found as a file of this name.
    else if (file === './trace.macro.d.ts') t.true(['trace.macro', 'trace.macro.js'].includes(path))
    else t.deepEqual(typesVersions['*'][path], [file], path)
  }
  t.is(Object.keys(typesVersions['*']).length, due.length - 3)
  // These subpaths are found as folders of this name first.
  for (const path of ['internal', 'testing', 'study', 'compare', 'harvest', 'sweep']) {
    const inner = JSON.parse(readFileSync(join(inside, path, 'package.json'), 'utf8')) as {
      main: string
      types: string
    }
    t.deepEqual([`./${join(path, inner.types)}`], [`./${relative('.', typesVersions['*'][path][0])}`])
    t.true(files().includes(join(path, inner.main)))
  }
})

test('a declaration leads to no file that is not in the tarball, and names none by .ts', t => {
  const all = new Set(files())
  const declarations = [...all].filter(file => file.endsWith('.d.ts'))
  t.true(declarations.length > 100)
  let followed = 0
  const follow = (file: string, seen: Set<string>): void => {
    if (seen.has(file)) return
    seen.add(file)
    t.true(all.has(file), file)
    for (const [, path] of readFileSync(join(inside, file), 'utf8').matchAll(/(?:from |import\()["'](\.[^"']+)["']/g)) {
      t.regex(path, /\.js$/, file)
      followed++
      follow(join(dirname(file), path.replace(/\.js$/, '.d.ts')), seen)
    }
  }
  const seen = new Set<string>()
  follow('trace.macro.d.ts', seen)
  for (const entry of Object.values(manifest().exports))
    if (typeof entry === 'object')
      for (const at of [entry, entry.browser])
        if (typeof at === 'object' && typeof at.types === 'string') follow(at.types.slice(2), seen)
  t.true(followed > 200)
})

/** Scripts that can be imported: the page of `onnsight view` is a bundle that its server hands to browsers. */
const modules = (): string[] =>
  files().filter(name => /^dist\/.*\.js$/.test(name) && !name.startsWith('dist/view/page/'))

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
  // Each script names its source map.
  for (const file of modules())
    t.regex(readFileSync(join(inside, file), 'utf8'), /\n\/\/# sourceMappingURL=\S+\.js\.map\s*$/, file)
})

test('what a user installs by choice is an optional peer, and no dependency', t => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest()
  const peers = [
    '@aws-sdk/client-s3',
    '@babel/core',
    '@babel/preset-typescript',
    '@fastify/swagger',
    '@huggingface/hub',
    '@huggingface/transformers',
    '@opentelemetry/api',
    'apache-arrow',
    'bullmq',
    'fastify',
    'fflate',
    'hyparquet',
    'hyparquet-writer',
    'ioredis',
    'jose',
    'ml-matrix',
    'onnxruntime-node',
    'onnxruntime-web',
    'prom-client',
    'rate-limiter-flexible',
    'sharp',
    'vega',
    'vega-lite',
  ]
  t.deepEqual(Object.keys(peerDependencies).sort(), peers)
  for (const peer of peers) {
    t.true(peerDependenciesMeta[peer].optional)
    t.false(peer in dependencies)
  }
})

// Bundlers resolve each import when they build. An import that the package does not declare ends the build.
test('every package that a script imports is a dependency or a peer', t => {
  const { dependencies, peerDependencies } = manifest()
  const declared = new Set(['onnsight', ...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  const undeclared: string[] = []
  for (const file of modules()) {
    const program = babel.parseSync(readFileSync(join(inside, file), 'utf8'), {
      configFile: false,
      babelrc: false,
      sourceType: 'module',
    })
    babel.traverse(program!, {
      ImportDeclaration: ({ node }) => note(node.source.value),
      Import: ({ parent }) => {
        const [source] = parent.type === 'CallExpression' ? parent.arguments : []
        if (source?.type === 'StringLiteral') note(source.value)
      },
    })
    function note(source: string): void {
      const [name] = /^(@[^/]+\/)?[^/]+/.exec(source) ?? ['.']
      if (!/^[.#]/.test(name) && !name.startsWith('node:') && !declared.has(name)) undeclared.push(`${file}: ${source}`)
    }
  }
  t.deepEqual(undeclared, [])
})

test('every relative link of a page in the tarball leads to a file in it', t => {
  const all = new Set(files())
  const pages = [...all].filter(file => file.endsWith('.md'))
  // Code is left out: it has indices and calls that look like links.
  const leads = pages.flatMap(page => {
    const text = readFileSync(join(inside, page), 'utf8').replaceAll(/^ *```.*?^ *```$|`[^`\n]*`/gms, '')
    const links = text.matchAll(/\]\(([^)\s]+)|\b(?:src|href)="([^"]+)"/g)
    return Array.from(links, ([, inMarkdown, inHtml]) => ({ page, to: inMarkdown ?? inHtml }))
  })
  const relativeOnes = leads.filter(({ to }) => !/^([a-z]+:|#)/.test(to))
  t.true(relativeOnes.length > 200, String(relativeOnes.length))
  const dead = relativeOnes.filter(({ page, to }) => !all.has(join(dirname(page), to.replace(/#.*/, ''))))
  t.deepEqual(dead, [])
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
    .filter(([, entry]) => typeof entry === 'object' && acting.has(entry.default as string))
    .map(([path]) => path)
  t.deepEqual(paths, ['.', './web', './internal', './register', './jest'])
})

/** Whether a module's top has a statement with an effect: a call, a loop, or an assignment to a variable of another module. */
function acts(code: string): boolean {
  const program = babel.parseSync(code, { configFile: false, babelrc: false, sourceType: 'module' })?.program
  return (program?.body ?? []).some(statement => {
    if (/^(Import|Export(Named|All|Default)|Function|Class|Variable)Declaration$/.test(statement.type)) return false
    // TypeScript's enums, and names of classes within them, are assigned to the module's own variables.
    if (statement.type !== 'ExpressionStatement') return true
    const { expression } = statement
    if (expression.type === 'AssignmentExpression') return expression.left.type !== 'Identifier'
    if (expression.type !== 'CallExpression') return true
    const { callee, arguments: given } = expression
    return callee.type !== 'FunctionExpression' || given[0]?.type !== 'LogicalExpression'
  })
}
