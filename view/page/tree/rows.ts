import type { ViewedModule } from '../../protocol/api.ts'

export interface TreeRow {
  readonly module: ViewedModule
  /** From 1. */
  readonly level: number
  readonly hasChildren: boolean
  readonly isOpen: boolean
  /** Its place among its siblings, from 1, and their number. */
  readonly position: number
  readonly siblings: number
}

export const parentOf = (path: string): string | undefined => {
  if (path === '') return undefined
  const at = path.lastIndexOf('.')
  return at < 0 ? '' : path.slice(0, at)
}

/** All that holds a module. */
export function above(path: string): string[] {
  const parent = parentOf(path)
  return parent === undefined ? [] : [...above(parent), parent]
}

/** Children by the path of their parent, in the model's order. */
export function childrenOf(modules: readonly ViewedModule[]): ReadonlyMap<string, readonly ViewedModule[]> {
  const children = new Map<string, ViewedModule[]>()
  for (const module of modules) {
    const parent = parentOf(module.path)
    if (parent === undefined) continue
    const list = children.get(parent)
    if (list) list.push(module)
    else children.set(parent, [module])
  }
  return children
}

/** What is open at first: level by level, as long as it fits on a screen. */
export function openAtFirst(modules: readonly ViewedModule[]): ReadonlySet<string> {
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

/** The rows that are seen. With a filter: what matches, and what holds it. */
export function rowsOf(modules: readonly ViewedModule[], open: ReadonlySet<string>, filter: string): TreeRow[] {
  const children = childrenOf(modules)
  const wanted = filter.trim().toLowerCase()
  const kept = wanted === '' ? undefined : matching(modules, wanted)
  const rows: TreeRow[] = []
  const add = (module: ViewedModule, level: number, position: number, siblings: number): void => {
    const below = (children.get(module.path) ?? []).filter(({ path }) => !kept || kept.has(path))
    const isOpen = below.length > 0 && (kept !== undefined || open.has(module.path))
    rows.push({ module, level, hasChildren: below.length > 0, isOpen, position, siblings })
    if (isOpen) below.forEach((child, i) => void add(child, level + 1, i + 1, below.length))
  }
  const [root] = modules
  if (root && (!kept || kept.has(''))) add(root, 1, 1, 1)
  return rows
}

function matching(modules: readonly ViewedModule[], wanted: string): ReadonlySet<string> {
  const kept = new Set<string>()
  for (const { path, className = '' } of modules) {
    if (!`${path} ${className}`.toLowerCase().includes(wanted)) continue
    for (let up: string | undefined = path; up !== undefined; up = parentOf(up)) kept.add(up)
  }
  return kept
}
