import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import type { BlockNames } from './block-names.ts'
import { mayHold } from './outer-variables.ts'

interface Fields {
  readonly read: Set<string>
  readonly set: Set<string>
}

/** The name that all fields with a computed key share, so that they count as one field. */
const COMPUTED = '[]'
/** The name that stands for the entries of a Map. */
const ENTRIES = '()'

/**
 * Finds outer objects of which the block both reads and sets a field: `stats.n += 1`, `if (v > best.v) best.v = v`. If the block waits between
 * the two, no other block must do the same meanwhile.
 */
export function updatedObjects(
  block: NodePath<types.Function>,
  call: NodePath,
  { readsThis }: BlockNames,
  { t }: Context,
): types.Expression[] {
  const found = new Map<string, Fields>()
  t.traverse(block.node, (node, ancestors) => {
    if (node.type !== 'MemberExpression') return
    const root = rootOf(node)
    if (!root) return
    const fields = found.get(root) ?? { read: new Set(), set: new Set() }
    found.set(root, fields)
    note(
      node,
      ancestors.map(ancestor => ancestor.node),
      fields,
    )
  })
  const isOutside = (name: string): boolean => {
    if (name === 'this') return readsThis
    const binding = call.scope.getBinding(name)
    return binding !== undefined && mayHold(binding.path)
  }
  return [...found]
    .filter(([name, { read, set }]) => [...set].some(key => read.has(key)) && isOutside(name))
    .map(([name]) => (name === 'this' ? t.thisExpression() : t.identifier(name)))
}

/** Returns the variable, or `this`, that a chain of members begins with. */
function rootOf(member: types.MemberExpression): string | undefined {
  let node: types.Node = member
  while (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') node = withoutTypes(node.object)
  if (node.type === 'ThisExpression') return 'this'
  return node.type === 'Identifier' ? node.name : undefined
}

function note(node: types.MemberExpression, ancestors: readonly types.Node[], { read, set }: Fields): void {
  const key = keyOf(node)
  const use = useOf(node, ancestors)
  if (use !== 'set') read.add(key)
  if (use !== 'read') set.add(key)
  const parent = ancestors.at(-1)
  if (parent?.type !== 'CallExpression' || parent.callee !== node) return
  if (key === 'get' || key === 'has') read.add(ENTRIES)
  if (key === 'set' || key === 'delete') set.add(ENTRIES)
}

function keyOf({ property, computed }: types.MemberExpression): string {
  if (property.type === 'PrivateName') return `#${property.id.name}`
  if (property.type === 'StringLiteral' || property.type === 'NumericLiteral') return String(property.value)
  return computed || property.type !== 'Identifier' ? COMPUTED : property.name
}

function useOf(member: types.Node, ancestors: readonly types.Node[]): 'read' | 'set' | 'both' {
  let node = member
  let at = ancestors.length - 1
  for (; at >= 0 && withoutTypes(ancestors[at]) !== ancestors[at]; at--) node = ancestors[at]
  const parent = ancestors[at]
  switch (parent?.type) {
    case 'UpdateExpression':
      return 'both'
    case 'AssignmentExpression':
      return parent.left !== node ? 'read' : parent.operator === '=' ? 'set' : 'both'
    case 'UnaryExpression':
      return parent.operator === 'delete' ? 'set' : 'read'
    case 'ForOfStatement':
    case 'ForInStatement':
    case 'AssignmentPattern':
      return parent.left === node ? 'set' : 'read'
    case 'ArrayPattern':
    case 'RestElement':
      return 'set'
    case 'ObjectProperty':
      return parent.value === node && ancestors[at - 1]?.type === 'ObjectPattern' ? 'set' : 'read'
    default:
      return 'read'
  }
}
