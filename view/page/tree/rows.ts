import type { ModuleDescription, Operation } from '../../protocol/api.ts'

/** A module, or one of its operations. */
export interface TreeItem {
  /** A module's path. An operation has its module's path, and its own name after #. */
  readonly path: string
  readonly name: string
  readonly className?: string
  readonly parameters: number
  readonly bytes: number
}

export interface TreeRow {
  readonly item: TreeItem
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
  const operation = path.indexOf('#')
  if (operation >= 0) return path.slice(0, operation)
  const at = path.lastIndexOf('.')
  return at < 0 ? '' : path.slice(0, at)
}

/** The paths of all modules that contain this one. */
export function ancestorsOf(path: string): string[] {
  const parent = parentOf(path)
  if (parent === undefined) return []
  return [...ancestorsOf(parent), parent, ...(path.includes('#') ? [groupPath(parent)] : [])]
}

/** The children of each module by the parent's path, in the model's order; those of a list by their numbers. */
export function childrenOf(modules: readonly ModuleDescription[]): ReadonlyMap<string, readonly ModuleDescription[]> {
  const children = new Map<string, ModuleDescription[]>()
  for (const module of modules) {
    const parent = parentOf(module.path)
    if (parent === undefined) continue
    const list = children.get(parent)
    if (list) list.push(module)
    else children.set(parent, [module])
  }
  // Exporters write some nodes of a later layer first.
  for (const list of children.values())
    if (list.every(({ name }) => /^\d+$/.test(name))) list.sort((a, b) => Number(a.name) - Number(b.name))
  return children
}

/** The modules that are open at first: the model, and as many levels as fit on a screen. */
export function initiallyOpen(modules: readonly ModuleDescription[]): ReadonlySet<string> {
  const children = childrenOf(modules)
  const open = new Set([''])
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

/** The operations of modules, by path, as far as they are loaded. */
export type LoadedOperations = ReadonlyMap<string, readonly Operation[]>

/** The path of the row that holds the operations of a module with children. */
export const groupPath = (module: string): string => `${module}#`

/** The path of an operation in the tree. */
export const operationPath = (module: string, node: string): string => `${module}#${node}`

/** The end of a node's name, without the operator, which is shown beside it. */
const endOf = (node: string, opType: string): string =>
  node
    .split('/')
    .at(-1)!
    .replace(new RegExp(`^(.*\\.)?${opType}[._]?`), '')

/** The operations of a module. Two of the same operator have different names, of which the end is shown. */
const operationsIn = ({ path }: ModuleDescription, loaded: LoadedOperations): TreeItem[] =>
  (loaded.get(path) ?? []).map(({ node, opType }) => ({
    path: operationPath(path, node),
    name: opType,
    className: endOf(node, opType),
    parameters: 0,
    bytes: 0,
  }))

/** The visible rows: an open module has its children below it, and then a row for its own operations. With a filter, only what matches and what contains it. */
export function rowsOf(
  modules: readonly ModuleDescription[],
  open: ReadonlySet<string>,
  filter: string,
  loaded: LoadedOperations,
): TreeRow[] {
  const children = childrenOf(modules)
  const text = filter.trim().toLowerCase()
  const operations = new Map(modules.map(module => [module.path, operationsIn(module, loaded)]))
  const all = [...modules, ...[...operations.values()].flat()]
  const matches = text === '' ? undefined : matching(all, text)
  const isShown = ({ path }: TreeItem): boolean => !matches || matches.has(path)
  const rows: TreeRow[] = []
  const addOperations = (own: readonly TreeItem[], level: number): void => {
    for (const [i, item] of own.entries())
      rows.push({ item, level, hasChildren: false, isOpen: false, position: i + 1, siblings: own.length })
  }
  /** The operations of a module with children, in a row of their own. */
  const addGroup = (module: ModuleDescription, own: readonly TreeItem[], level: number, position: number): void => {
    const path = groupPath(module.path)
    const isOpen = matches !== undefined || open.has(path)
    const name = `${module.own} ${module.own === 1 ? 'operation' : 'operations'}`
    const item = { path, name, parameters: 0, bytes: 0 }
    rows.push({ item, level, hasChildren: true, isOpen, position, siblings: position })
    if (isOpen) addOperations(own, level + 1)
  }
  const add = (module: ModuleDescription, level: number, position: number, siblings: number): void => {
    const below = (children.get(module.path) ?? []).filter(isShown)
    const own = (operations.get(module.path) ?? []).filter(isShown)
    const hasChildren = matches ? below.length + own.length > 0 : below.length + module.own > 0
    const isOpen = hasChildren && (matches !== undefined || open.has(module.path))
    rows.push({ item: module, level, hasChildren, isOpen, position, siblings })
    if (!isOpen) return
    const hasGroup = children.has(module.path) && (matches ? own.length > 0 : module.own > 0)
    const count = below.length + (hasGroup ? 1 : 0)
    for (const [i, child] of below.entries()) add(child, level + 1, i + 1, count)
    if (hasGroup) addGroup(module, own, level + 1, count)
    else if (!children.has(module.path)) addOperations(own, level + 1)
  }
  const [root] = modules
  if (root && (!matches || matches.has(''))) add(root, 1, 1, 1)
  return rows
}

function matching(items: readonly TreeItem[], text: string): ReadonlySet<string> {
  const matches = new Set<string>()
  for (const { path, name, className = '' } of items) {
    if (!`${path} ${name} ${className}`.toLowerCase().includes(text)) continue
    for (let up: string | undefined = path; up !== undefined; up = parentOf(up)) matches.add(up)
  }
  return matches
}
