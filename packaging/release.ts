import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

// `npm run release -- minor` does everything for a release except publishing it. If a step fails, the files are restored.
const USAGE = 'npm run release -- (major | minor | patch | 1.2.3)'
const FOLDER = 'release'

const run = (command: string, ...args: string[]): void => {
  console.log(`\n$ ${command} ${args.join(' ')}`)
  execFileSync(command, args, { stdio: 'inherit' })
}
const textOf = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' }).trim()

/** Ends the program before it has changed anything. */
function refuse(problem: string, fix: string): never {
  console.error(`${problem}\n  Do this: ${fix}`)
  process.exit(2)
}

interface Manifest {
  readonly version: string
  readonly repository?: unknown
}
const manifest = (): Manifest => JSON.parse(readFileSync('package.json', 'utf8'))

const { positionals } = parseArgs({ allowPositionals: true })
if (positionals.length !== 1 || !/^(major|minor|patch|\d+\.\d+\.\d+(-[\w.]+)?)$/.test(positionals[0]))
  refuse('A release needs to know its version.', USAGE)
if (textOf('git', 'status', '--porcelain') !== '')
  refuse('The working tree has changes.', 'commit them, or put them away')
const changelog = readFileSync('CHANGELOG.md', 'utf8')
const unreleased = changelog.split(/^## /m).find(part => part.startsWith('[Unreleased]\n'))
if (!unreleased?.includes('\n- '))
  refuse('CHANGELOG.md has nothing under "Unreleased".', 'write there what a user gets, then release')

try {
  run('npm', 'version', positionals[0], '--no-git-tag-version')
  const { version } = manifest()
  if (textOf('git', 'tag', '--list', `v${version}`) !== '') throw new Error(`There is a tag v${version} already.`)
  const source = readFileSync('runtime/errors/version.ts', 'utf8')
  writeFileSync('runtime/errors/version.ts', source.replace(/'[^']*'$/m, `'${version}'`))
  const heading = `## [${version}] - ${new Date().toISOString().slice(0, 10)}`
  writeFileSync('CHANGELOG.md', changelog.replace('## [Unreleased]\n', `## [Unreleased]\n\n${heading}\n`))

  run('npm', 'test')
  // These tests pack the package as for a release, install it, and check each file of it.
  run('npx', 'ava', '--config', 'ava.long.config.js', 'test/package/**/*.test.ts')

  mkdirSync(FOLDER, { recursive: true })
  const [{ filename, files, size }] = JSON.parse(textOf('npm', 'pack', '--json', '--ignore-scripts')) as [
    { readonly filename: string; readonly files: readonly unknown[]; readonly size: number },
  ]
  const tarball = join(FOLDER, filename)
  renameSync(filename, tarball)
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`

  run('git', 'commit', '--all', '--message', `Version ${version}`)
  run('git', 'tag', `v${version}`)
  console.log(`
${tarball}: ${files.length} files, ${(size / 2 ** 20).toFixed(1)} MB, ${integrity}
What is left, in this order:
  git push --follow-tags
  npm publish ${tarball} --provenance   (in a CI run that npm trusts: only there can it sign where the package comes from)`)
  if (manifest().repository === undefined)
    console.log('npm signs only a package whose package.json has "repository": it is not there yet.')
} catch (error) {
  if (textOf('git', 'status', '--porcelain') !== '') run('git', 'checkout', '--', '.')
  console.error(`\nNo release was made, and the files are as they were: ${(error as Error).message}`)
  process.exit(1)
}
