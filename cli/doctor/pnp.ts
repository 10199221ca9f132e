import nodeModule from 'node:module'

/** The part of Yarn's Plug'n'Play API that finds packages. They are in archives, not in node_modules. */
interface PnpApi {
  /** @throws Error if the asking package does not list this one as a dependency */
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
  /** The package's dependencies by name: a reference, a name and a reference, or null for a missing peer dependency. */
  readonly packageDependencies: ReadonlyMap<string, string | readonly [string, string] | null>
}

/** The Plug'n'Play API of this process, if the folder belongs to its project. */
function pnpOf(folder: string): PnpApi | undefined {
  // Plug'n'Play adds this property, so a named import would not find it.
  const { findPnpApi } = nodeModule as unknown as { findPnpApi?: (path: string) => PnpApi | null }
  return findPnpApi?.(`${folder}/`) ?? undefined
}

/** Whether this folder's packages are found through Plug'n'Play. */
export const isUnderPnp = (folder: string): boolean => pnpOf(folder) !== undefined

/** The folder of the package that files in `from` get if they import this name. */
export function pnpFolder(name: string, from: string): string | undefined {
  try {
    return pnpOf(from)?.resolveToUnqualified(name, `${from}/`) ?? undefined
  } catch {
    return undefined
  }
}

/** The folders of all packages of these names among the dependencies of the package in `from`, direct or not. */
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
