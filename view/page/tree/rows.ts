import type { ModuleDescription } from '../../protocol/api.ts'

export interface TreeRow {
  readonly module: ModuleDescription
  /** The depth in the tree, from 1. */
  readonly level: number
  readonly hasChildren: boolean
  readonly isOpen: boolean
  /** The position among its siblings, from 1, and their number. */
  readonly position: number
  readonly siblings: number
}

/** The path of the module that contains this one; undefined for the model. */
export const parentOf = (path: string): string | undefined => {
  if (path === '') return undefined
  const at = path.lastIndexOf('.')
  return at < 0 ? '' : path.slice(0, at)
}

/** The paths of all modules that contain this one. */
export function ancestorsOf(path: string): string[] {
  const parent = parentOf(path)
  return parent === undefined ? [] : [...ancestorsOf(parent), parent]
}

/** The children of each module by the parent's path, in the model's order. */
export function childrenOf(modules: readonly ModuleDescription[]): ReadonlyMap<string, readonly ModuleDescription[]> {
  const children = new Map<string, ModuleDescription[]>()
  for (const module of modules) {
    const parent = parentOf(module.path)
    if (parent === undefined) continue
    const list = children.get(parent)
    if (list) list.push(module)
    else children.set(parent, [module])
  }
  return children
}

/** The modules that are open at first: as many levels as fit on a screen. */
export function initiallyOpen(modules: readonly ModuleDescription[]): ReadonlySet<string> {
  const children = childrenOf(modules)
  const open = new Set<string>()
  let level = ['']
  let count = 1
  while (level.length > 0) {
    const next = level.flatMap(path => children.get(path) ?? [])
    count += next.length
    if (count > 24 || (level.length > 1 && next.length > 12)) break
    for (const path of level) open.add(path)
    level = next.filter(({ path }) => children.has(path)).map(({ path }) => path)
  }
  return open
}

/** The visible rows. With a filter, these are the modules that match and the modules that contain them. */
export function rowsOf(modules: readonly ModuleDescription[], open: ReadonlySet<string>, filter: string): TreeRow[] {
  const children = childrenOf(modules)
  const text = filter.trim().toLowerCase()
  const matches = text === '' ? undefined : matching(modules, text)
  const rows: TreeRow[] = []
  const add = (module: ModuleDescription, level: number, position: number, siblings: number): void => {
    const below = (children.get(module.path) ?? []).filter(({ path }) => !matches || matches.has(path))
    const isOpen = below.length > 0 && (matches !== undefined || open.has(module.path))
    rows.push({ module, level, hasChildren: below.length > 0, isOpen, position, siblings })
    if (isOpen) below.forEach((child, i) => void add(child, level + 1, i + 1, below.length))
  }
  const [root] = modules
  if (root && (!matches || matches.has(''))) add(root, 1, 1, 1)
  return rows
}

function matching(modules: readonly ModuleDescription[], text: string): ReadonlySet<string> {
  const matches = new Set<string>()
  for (const { path, className = '' } of modules) {
    if (!`${path} ${className}`.toLowerCase().includes(text)) continue
    for (let up: string | undefined = path; up !== undefined; up = parentOf(up)) matches.add(up)
  }
  return matches
}
