import { LoadOptionError } from '../errors/input.ts'
import { nearestNames } from './nearest.ts'
import { reservedNames } from './reserved.ts'
import type { ModuleNode, ModuleTree } from './tree.ts'

/**
 * Other names for modules, beside their own: `{ mlp: 'feed_forward' }` for every module called so, `{ 'transformer.h': 'layers' }` for the
 * one at that path, which is found at the model then. Several names in an array.
 */
export type Renames = Readonly<Record<string, string | readonly string[]>>

/**
 * Gives modules their other names. `mayLack`: of a branch that has not all modules.
 * @throws LoadOptionError for a module that is not there, and for a name that can't be given
 */
export function addAliases(tree: ModuleTree, renames: Renames, mayLack: boolean): void {
  for (const [old, names] of Object.entries(renames)) {
    const mounts = mountsOf(tree, old)
    if (mounts.length === 0 && !mayLack) {
      const paths = tree.modules.flatMap(({ path, name }) => [path, name])
      const near = nearestNames(old, new Set(paths))
      throw new LoadOptionError(
        `The option rename names ${old}, and the model has no such module.`,
        near.length > 0 ? `did you mean ${near.join(', ')}?` : 'print the tree: console.log(String(model))',
      )
    }
    for (const alias of typeof names === 'string' ? [names] : names) {
      if (!/^[A-Za-z_]\w*$/.test(alias) || reservedNames.has(alias))
        throw new LoadOptionError(
          `The option rename gives ${old} the name ${alias}, which can't be one.`,
          'use letters, digits and _, and none of the members',
        )
      for (const { parent, module } of mounts) {
        const taken = parent.children.get(alias) ?? parent.aliases.get(alias)
        if (taken && taken !== module)
          throw new LoadOptionError(
            `The option rename gives ${old} the name ${alias}, and ${taken.path} is called so.`,
            'choose another name',
          )
        parent.aliases.set(alias, module)
      }
    }
  }
}

interface Mount {
  readonly parent: ModuleNode
  readonly module: ModuleNode
}

function mountsOf(tree: ModuleTree, old: string): Mount[] {
  const path = old.replaceAll(/\[(\d+)\]/g, '.$1')
  const exact = path.includes('.') ? tree.get(path) : undefined
  if (exact) return [{ parent: tree.root, module: exact }]
  return tree.modules.flatMap(module =>
    module.name === old && module.parent ? [{ parent: module.parent, module }] : [],
  )
}

/** All paths of each module, by its own names and the others. */
export function pathsOf(tree: ModuleTree): ReadonlyMap<ModuleNode, readonly string[]> {
  const paths = new Map<ModuleNode, string[]>()
  for (const module of tree.modules) {
    const { parent } = module
    const names = parent ? [module.name, ...aliasesIn(parent, module)] : []
    const outer = parent ? (paths.get(parent) ?? ['']) : []
    const own = outer.flatMap(path => names.map(name => (path === '' ? name : `${path}.${name}`)))
    const mounted = parent && parent !== tree.root ? aliasesIn(tree.root, module) : []
    paths.set(module, parent ? [...own, ...mounted] : [module.path])
  }
  return paths
}

const aliasesIn = (parent: ModuleNode, module: ModuleNode): string[] =>
  [...parent.aliases].flatMap(([alias, target]) => (target === module ? [alias] : []))
