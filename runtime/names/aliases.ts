import { LoadOptionError } from '../errors/input.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import { reservedNames } from './reserved.ts'
import type { ModuleNode, ModuleTree } from './tree.ts'

/**
 * Other names for modules, which keep their own: `{ mlp: 'feed_forward' }` renames every module `mlp`, `{ 'transformer.h': 'layers' }` lets
 * the module at that path be found as `model.layers`. An array gives several names.
 */
export type Renames = Readonly<Record<string, string | readonly string[]>>

/**
 * Gives modules their other names. With `mayBeMissing`, missing modules are skipped, because a branch of a model may lack some of them.
 * @throws LoadOptionError for a missing module, and for a name that is taken or not allowed
 */
export function addAliases(tree: ModuleTree, renames: Renames, mayBeMissing: boolean): void {
  for (const [old, names] of Object.entries(renames)) {
    const mounts = mountsOf(tree, old)
    if (mounts.length === 0 && !mayBeMissing) {
      const paths = tree.modules.flatMap(({ path, name }) => [path, name])
      const near = nearestNames(old, new Set(paths))
      throw new LoadOptionError(
        `The option rename names ${old}, but the model has no such module.`,
        near.length > 0 ? `did you mean ${near.join(', ')}?` : 'print the tree: console.log(String(model))',
      )
    }
    for (const alias of typeof names === 'string' ? [names] : names) {
      if (!/^[A-Za-z_]\w*$/.test(alias) || reservedNames.has(alias))
        throw new LoadOptionError(
          `The option rename gives ${old} the name ${alias}, which is not allowed.`,
          'use letters, digits and _, and not the name of a member',
        )
      for (const { parent, module } of mounts) {
        const taken = parent.children.get(alias) ?? parent.aliases.get(alias)
        if (taken && taken !== module)
          throw new LoadOptionError(
            `The option rename gives ${old} the name ${alias}, but ${taken.path} has that name already.`,
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

/** All paths of each module, with its own name and with its other names. */
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
