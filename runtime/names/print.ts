import { displayedParameters } from './parameters/displayed.ts'
import { reservedNames } from './reserved.ts'
import type { ModuleNode } from './tree.ts'

/** The text that `console.log(String(model))` shows: the module tree, equal layers on one line. `note` adds text to a module's line. */
export function printModule(
  module: ModuleNode,
  weightDims?: (initializer: string) => readonly number[],
  members: ReadonlySet<string> = reservedNames,
  note?: (module: ModuleNode) => string | undefined,
): string {
  const lines: string[] = []
  const print = (node: ModuleNode, label: string, depth: number): void => {
    lines.push('  '.repeat(depth) + label + detail(node, weightDims, note?.(node)))
    const children = [...node.children.values()]
    for (let i = 0; i < children.length; i++) {
      const shape = shapeOf(children[i])
      let last = i
      while (node.isList && last + 1 < children.length && shapeOf(children[last + 1]) === shape) last++
      const name = children[i].name
      const isTaken = (node === module ? members : reservedNames).has(name) || name === 'then'
      const shown = isTaken ? `child('${name}')` : name
      print(children[i], last > i ? `${name} … ${children[last].name} (${last - i + 1} alike)` : shown, depth + 1)
      i = last
    }
  }
  print(module, module.path || 'model', 0)
  return lines.join('\n')
}

function detail(
  node: ModuleNode,
  weightDims: ((initializer: string) => readonly number[]) | undefined,
  note: string | undefined,
): string {
  const parts: string[] = []
  const also = aliasesOf(node)
  if (also.length > 0) parts.push(`also ${also.join(', ')}`)
  if (node.className) parts.push(node.className)
  if (node.nodes.length > 0) parts.push(`${node.nodes.length} ${node.nodes.length === 1 ? 'node' : 'nodes'}`)
  if (note !== undefined) parts.push(note)
  for (const { name, initializer, dims, note } of displayedParameters(node).slice(0, 6)) {
    const shown = dims ?? (initializer === undefined ? undefined : weightDims?.(initializer))
    parts.push([name, ...(shown ? [`[${shown.join(', ')}]`] : []), ...(note ? [`(${note})`] : [])].join(' '))
  }
  return parts.length > 0 ? `  · ${parts.join(' · ')}` : ''
}

/** Equal for two modules that may share one line. */
function shapeOf(node: ModuleNode): string {
  const children = [...node.children.values()].map(child => `${child.name}{${shapeOf(child)}}`)
  return `${node.className ?? ''}|${displayedParameters(node)
    .map(({ name }) => name)
    .join()}|${children.join()}`
}

/** The module's other names; `model.…` for one that is found at the model itself. */
function aliasesOf(node: ModuleNode): string[] {
  const found: string[] = []
  for (let up = node.parent; up; up = up.parent) {
    const isRoot = up.parent === undefined && up !== node.parent
    if (up !== node.parent && !isRoot) continue
    for (const [alias, module] of up.aliases) if (module === node) found.push(isRoot ? `model.${alias}` : alias)
  }
  return found
}
