import { type Context, type types, withoutTypes } from './babel.ts'

/** What the nodes of a block name, in whatever scope. */
export interface BlockNames {
  readonly assigned: ReadonlySet<string>
  readonly declared: ReadonlySet<string>
  /** Variables that are read or called, names in types apart. */
  readonly read: ReadonlySet<string>
  /** Those of them that are read elsewhere than as an operator's operand, as a key or in a text: what they hold may be changed there. */
  readonly handled: ReadonlySet<string>
  /** Whether the `this` around the block is read in it. */
  readonly readsThis: boolean
}

/** A look at the nodes alone: to walk over paths with their scopes costs some ten times as much. */
export function namesIn(block: types.Function, t: Context['t']): BlockNames {
  const assigned = new Set<string>()
  const declared = new Set<string>()
  const read = new Set<string>()
  const handled = new Set<string>()
  let readsThis = false
  t.traverse(block, (node, ancestors) => {
    for (const name of targetsOf(node)) assigned.add(name)
    for (const name of declares(node, t)) declared.add(name)
    const nodeAt = (from: number): types.Node | undefined => ancestors[ancestors.length - from]?.node
    if (node.type === 'Identifier' || node.type === 'JSXIdentifier') {
      const parent = nodeAt(1)
      const isNew = !handled.has(node.name) && !(read.has(node.name) && isOperand(node, parent, nodeAt(2)))
      const isRead = isNew && parent && t.isReferenced(node, parent, nodeAt(2))
      if (isRead && !ancestors.some(ancestor => isType(ancestor.node))) {
        read.add(node.name)
        if (!isOperand(node, parent, nodeAt(2))) handled.add(node.name)
      }
    } else if (node.type === 'ThisExpression')
      readsThis ||= !ancestors.slice(1).some(ancestor => hasThis(ancestor.node, t))
  })
  return { assigned, declared, read, handled, readsThis: readsThis && block.type === 'ArrowFunctionExpression' }
}

/** Whether an object that stands here stays as it is. */
function isOperand(node: types.Node, parent: types.Node | undefined, grandparent: types.Node | undefined): boolean {
  switch (parent?.type) {
    case 'BinaryExpression':
    case 'UnaryExpression':
      return true
    case 'TemplateLiteral':
      return grandparent?.type !== 'TaggedTemplateExpression'
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return parent.computed && parent.property === node
    default:
      return false
  }
}

/** The variables that a node assigns. */
export function targetsOf(node: types.Node): string[] {
  if (node.type === 'AssignmentExpression') return targetNames(node.left)
  if (node.type === 'UpdateExpression') return targetNames(node.argument)
  const isLoop = node.type === 'ForOfStatement' || node.type === 'ForInStatement'
  return isLoop && node.left.type !== 'VariableDeclaration' ? targetNames(node.left) : []
}

/** The names that a node declares. */
function declares(node: types.Node, t: Context['t']): string[] {
  const own = 'id' in node && node.id?.type === 'Identifier' ? [node.id.name] : []
  if (t.isFunction(node)) return [...own, ...node.params.flatMap(param => Object.keys(t.getBindingIdentifiers(param)))]
  if (node.type === 'VariableDeclarator') return targetNames(node.id)
  return node.type === 'CatchClause' ? targetNames(node.param ?? null) : own
}

/** The variables that an assignment's left side sets: through patterns, and through TypeScript's `as` and `!`. */
function targetNames(target: types.Node | null): string[] {
  if (!target) return []
  const bare = withoutTypes(target)
  if (bare !== target) return targetNames(bare)
  switch (target.type) {
    case 'Identifier':
      return [target.name]
    case 'ArrayPattern':
      return target.elements.flatMap(targetNames)
    case 'ObjectPattern':
      return target.properties.flatMap(property =>
        targetNames(property.type === 'ObjectProperty' ? property.value : property),
      )
    case 'AssignmentPattern':
      return targetNames(target.left)
    case 'RestElement':
      return targetNames(target.argument)
    default:
      return []
  }
}

/** Names in types are gone when the program runs. */
export const isType = (node: types.Node): boolean =>
  (node.type.startsWith('TS') && withoutTypes(node) === node && node.type !== 'TSInstantiationExpression') ||
  /Type(Annotation|Parameter\w*|Alias)$/.test(node.type)

/** Has a `this` of its own. */
const hasThis = (node: types.Node, t: Context['t']): boolean =>
  (t.isFunction(node) && node.type !== 'ArrowFunctionExpression') ||
  node.type === 'ClassProperty' ||
  node.type === 'ClassPrivateProperty' ||
  node.type === 'StaticBlock'
