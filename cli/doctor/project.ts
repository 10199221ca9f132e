import { existsSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../shared/errors.ts'
import { type Manager, managerOf } from './manager.ts'
import { copiesOf, findPackage, type Installed, readPackage, upward } from './packages.ts'
import { isUnderPnp } from './pnp.ts'

/** What is examined. */
export interface Project {
  readonly folder: string
  /** The onnsight that its files import; if there is none, the one that runs. */
  readonly onnsight: Installed
  /** Whether its files can import it. */
  readonly hasOnnsight: boolean
  /** Whether it is onnsight's own repository: a package can't import its own macro by name. */
  readonly isOnnsight: boolean
  readonly manager: Manager
  /** Every copy of onnsight and of Babel that it has. */
  readonly copies: readonly Installed[]
}

/** The package that is running. */
const running = fileURLToPath(new URL('../../../', import.meta.url))

/** The project that a folder belongs to: the nearest one with a package.json. @throws CommandError */
export function openProject(given: string): Project {
  if (!existsSync(given) || !statSync(given).isDirectory())
    throw new CommandError(`${given} is not a folder.`, 'pass the folder of a project: --project path')
  const start = realpathSync(given)
  const folder = [...upward(start)].find(up => existsSync(join(up, 'package.json'))) ?? start
  refuseOtherPnp(folder)
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

/** Where its packages are, only a process that Yarn has started can tell. @throws CommandError */
function refuseOtherPnp(folder: string): void {
  const root = [...upward(folder)].find(up => existsSync(join(up, '.pnp.cjs')))
  if (root === undefined || isUnderPnp(folder)) return
  throw new CommandError(
    `${folder} gets its packages from Yarn’s Plug’n’Play (${join(root, '.pnp.cjs')}), but this command was started without Plug’n’Play.`,
    `cd ${folder} && yarn onnsight doctor`,
  )
}
