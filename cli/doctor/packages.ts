import { type Dirent, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isUnderPnp, pnpFolder, pnpFolders } from './pnp.ts'

/** An installed package. */
export interface Installed {
  readonly name: string
  readonly version: string
  /** The package's folder, with links resolved. Under Plug'n'Play the path is unchanged, because it decides what the package may import. */
  readonly folder: string
}

/** The package that a file in this folder gets if it imports the name; undefined if there is none. */
export function findPackage(name: string, from: string): Installed | undefined {
  if (isUnderPnp(from)) {
    const folder = pnpFolder(name, from)
    return folder === undefined ? undefined : readPackage(folder)
  }
  for (const folder of upward(from)) {
    const found = readPackage(join(folder, 'node_modules', name))
    if (found) return found
  }
  return undefined
}

/** All copies of some packages in a project's own folder and in the folders above it. */
export function copiesOf(names: ReadonlySet<string>, from: string): Installed[] {
  if (isUnderPnp(from)) return pnpFolders(names, from).flatMap(folder => readPackage(folder) ?? [])
  const found = new Map<string, Installed>()
  const seen = new Set<string>()
  const walk = (modules: string): void => {
    for (const { name, folder } of packagesIn(modules)) {
      const real = realpathSync(folder)
      const installed = names.has(name) ? readPackage(folder) : undefined
      if (installed) found.set(installed.folder, installed)
      if (seen.has(real)) continue
      seen.add(real)
      walk(join(real, 'node_modules'))
    }
  }
  for (const folder of upward(from)) walk(join(folder, 'node_modules'))
  return [...found.values()]
}

/** The packages in one node_modules folder, including those in scopes and in pnpm's store. */
function packagesIn(modules: string): { readonly name: string; readonly folder: string }[] {
  return entriesOf(modules).flatMap(name => {
    const folder = join(modules, name)
    if (name.startsWith('@'))
      return entriesOf(folder).map(own => ({ name: `${name}/${own}`, folder: join(folder, own) }))
    if (name === '.pnpm') return entriesOf(folder).flatMap(own => packagesIn(join(folder, own, 'node_modules')))
    return name.startsWith('.') ? [] : [{ name, folder }]
  })
}

function entriesOf(folder: string): string[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  // A broken link is not a package.
  return entries
    .filter(entry => entry.isDirectory() || (entry.isSymbolicLink() && existsSync(join(folder, entry.name))))
    .map(({ name }) => name)
}

/** Reads the package in a folder; undefined if there is none. */
export function readPackage(folder: string): Installed | undefined {
  try {
    const json = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Partial<Installed>
    return {
      name: json.name ?? '',
      version: json.version ?? '',
      folder: isUnderPnp(folder) ? folder : realpathSync(folder),
    }
  } catch {
    return undefined
  }
}

/** A folder and all folders above it. */
export function* upward(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at
    if (dirname(at) === at) return
  }
}
