import nodeModule from 'node:module'

/** What Yarn's Plug'n'Play answers about packages: it keeps them in archives, and no node_modules has them. */
interface PnpApi {
  /** @throws Error where the asking package doesn't name this one */
  resolveToUnqualified(request: string, issuer: string): string | null
  findPackageLocator(path: string): Locator | null
  getPackageInformation(locator: Locator): PackageInformation
}

interface Locator {
  readonly name: string | null
  readonly reference: string | null
}

interface PackageInformation {
  readonly packageLocation: string
  /** By name: the reference, a name and a reference, or null for a peer that is missing. */
  readonly packageDependencies: ReadonlyMap<string, string | readonly [string, string] | null>
}

/** The Plug'n'Play that this process runs under, if a folder is of its project. */
function pnpOf(folder: string): PnpApi | undefined {
  // A property that Plug'n'Play adds: no named import has it.
  const { findPnpApi } = nodeModule as unknown as { findPnpApi?: (path: string) => PnpApi | null }
  return findPnpApi?.(`${folder}/`) ?? undefined
}

/** Whether Plug'n'Play tells where this folder's packages are. */
export const isUnderPnp = (folder: string): boolean => pnpOf(folder) !== undefined

/** The folder of the package that files in a folder get under this name. */
export function pnpFolder(name: string, from: string): string | undefined {
  try {
    return pnpOf(from)?.resolveToUnqualified(name, `${from}/`) ?? undefined
  } catch {
    return undefined
  }
}

/** The folders of all packages of these names that a folder's own package leads to. */
export function pnpFolders(names: ReadonlySet<string>, from: string): string[] {
  const api = pnpOf(from)
  const start = api?.findPackageLocator(`${from}/`)
  if (!api || !start) return []
  const found = new Set<string>()
  const seen = new Set<string>()
  const walk = (locator: Locator): void => {
    const key = `${locator.name}@${locator.reference}`
    if (seen.has(key)) return
    seen.add(key)
    const { packageLocation, packageDependencies } = api.getPackageInformation(locator)
    if (locator.name !== null && names.has(locator.name)) found.add(packageLocation)
    for (const [name, target] of packageDependencies) {
      if (typeof target === 'string') walk({ name, reference: target })
      else if (target) walk({ name: target[0], reference: target[1] })
    }
  }
  walk(start)
  return [...found]
}
