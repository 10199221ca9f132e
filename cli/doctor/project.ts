import { existsSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../shared/errors.ts'
import { type Manager, managerOf } from './manager.ts'
import { copiesOf, findPackage, type Installed, readPackage, upward } from './packages.ts'
import { isUnderPnp } from './pnp.ts'

/** The project that the doctor checks. */
export interface Project {
  readonly folder: string
  /** The onnsight that the project's files import; if they can import none, the one that is running. */
  readonly onnsight: Installed
  /** Whether the project's files can import onnsight. */
  readonly hasOnnsight: boolean
  /** Whether the project is onnsight's own repository, which can't import its own macro by name. */
  readonly isOnnsight: boolean
  readonly manager: Manager
  /** Every copy of onnsight and of @babel/core in the project and in the folders above it. */
  readonly copies: readonly Installed[]
}

/** The folder of the onnsight that is running. */
const running = fileURLToPath(new URL('../../../', import.meta.url))

/** Opens the project that a folder belongs to: the nearest folder with a package.json. @throws CommandError if the path is not a folder */
export function openProject(path: string): Project {
  if (!existsSync(path) || !statSync(path).isDirectory())
    throw new CommandError(`${path} is not a folder.`, 'pass the folder of a project: --project path')
  const start = realpathSync(path)
  const folder = [...upward(start)].find(up => existsSync(join(up, 'package.json'))) ?? start
  assertPnpStarted(folder)
  const own = readPackage(folder)
  const isOnnsight = own?.name === 'onnsight'
  const imported = isOnnsight ? own : findPackage('onnsight', folder)
  return {
    folder,
    onnsight: imported ?? readPackage(running)!,
    hasOnnsight: imported !== undefined,
    isOnnsight,
    manager: managerOf(folder),
    copies: copiesOf(new Set(['onnsight', '@babel/core']), folder),
  }
}

/** Throws for a Plug'n'Play project if Yarn did not start this process, because only then its packages can be found. @throws CommandError */
function assertPnpStarted(folder: string): void {
  const root = [...upward(folder)].find(up => existsSync(join(up, '.pnp.cjs')))
  if (root === undefined || isUnderPnp(folder)) return
  throw new CommandError(
    `${folder} gets its packages from Yarn’s Plug’n’Play (${join(root, '.pnp.cjs')}), but this command was started without Plug’n’Play.`,
    `cd ${folder} && yarn onnsight doctor`,
  )
}
