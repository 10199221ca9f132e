import { UnknownModuleError } from '../errors/names.ts'
import { nearestNames } from '../errors/nearest-names.ts'
import { reservedNames } from './reserved.ts'
import type { ModuleNode } from './tree.ts'

/** A child by its own name or another. */
export const lookUp = (module: ModuleNode, name: string): ModuleNode | undefined =>
  module.children.get(name) ?? module.aliases.get(name)

/** A child by name; a list's child also by a negative index. @throws UnknownModuleError, which names the nearest ones */
export function resolveChild(module: ModuleNode, name: string): ModuleNode {
  const child = lookUp(module, name)
  if (child) return child
  if (module.isList && /^-\d+$/.test(name)) {
    const keys = [...module.children.keys()]
    const at = module.children.get(keys[keys.length + Number(name)])
    if (at) return at
  }
  const names = [...module.children.keys()]
  if (module.isList)
    throw new UnknownModuleError(module.path, name, [`${module.path}[${names[0]}] … ${module.path}[${names.at(-1)}]`])
  const near = nearestNames(name, [...names, ...module.aliases.keys(), ...reservedNames])
  throw new UnknownModuleError(module.path, name, near.length > 0 ? near : names.slice(0, 8))
}

/** A module by its whole path, `transformer.h.0.attn` or `transformer.h[0].attn`. */
export function resolvePath(root: ModuleNode, path: string): ModuleNode {
  return path
    .split(/[.[\]]+/)
    .filter(part => part !== '')
    .reduce(resolveChild, root)
}
