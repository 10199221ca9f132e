import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { upward } from './packages.ts'

/** The package manager of a project, with its commands. */
export interface Manager {
  readonly name: 'npm' | 'pnpm' | 'yarn' | 'bun'
  /** The command that adds dependencies. */
  install(...names: readonly string[]): string
  /** The command that adds development dependencies. */
  installDev(...names: readonly string[]): string
  /** The commands that reduce several copies of a package to one, and show which packages need them. */
  dedupe(name: string): string
  /** The command that installs a package anew. */
  reinstall(name: string): string
}

const make = (
  name: Manager['name'],
  add: string,
  dev: string,
  why: string,
  reinstall: Manager['reinstall'],
): Manager => ({
  name,
  install: (...names) => `${name} ${add} ${names.join(' ')}`,
  installDev: (...names) => `${name} ${add} ${dev} ${names.join(' ')}`,
  dedupe: duplicate => `${name} dedupe; ${name} ${why} ${duplicate} shows which packages need it`,
  reinstall,
})

const npm = make('npm', 'install', '--save-dev', 'ls', name => `rm -rf node_modules/${name} && npm install ${name}`)
const pnpm = make('pnpm', 'add', '-D', 'why', () => 'pnpm install --force')
const yarn = make('yarn', 'add', '-D', 'why', () => 'rm -rf node_modules .yarn/unplugged && yarn install')
const bun: Manager = {
  ...make('bun', 'add', '-d', 'why', () => 'bun install --force'),
  dedupe: duplicate => `rm bun.lock && bun install; bun why ${duplicate} shows which packages need it`,
}

const lockfiles: readonly (readonly [string, Manager])[] = [
  ['pnpm-lock.yaml', pnpm],
  ['yarn.lock', yarn],
  ['bun.lock', bun],
  ['bun.lockb', bun],
  ['package-lock.json', npm],
]

/** The package manager of a project, from its package.json or lockfile, or from those in the folders above it. */
export function managerOf(folder: string): Manager {
  for (const at of upward(folder)) {
    const declared = declaredIn(at)
    const found = [npm, pnpm, yarn, bun].find(({ name }) => name === declared)
    if (found) return found
    for (const [file, manager] of lockfiles) if (existsSync(join(at, file))) return manager
  }
  return npm
}

/** The package manager that package.json declares: `pnpm` for `"packageManager": "pnpm@12.0.0"`. */
function declaredIn(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8')
    return (JSON.parse(text) as { packageManager?: string }).packageManager?.split('@')[0]
  } catch {
    return undefined
  }
}
