import { type Context, type types, withoutTypes } from './babel.ts'

/** The names in a block, regardless of scope. */
export interface BlockNames {
  readonly assigned: ReadonlySet<string>
  readonly declared: ReadonlySet<string>
  /** Variables that are read or called, without names in types. */
  readonly read: ReadonlySet<string>
  /** The read variables whose object may be changed there: they are read elsewhere than as an operator's operand, as a key or in a text. */
  readonly handled: ReadonlySet<string>
  /** Whether the block reads the `this` of the code around it. */
  readonly readsThis: boolean
}

/** Collects the names by looking at nodes only: traversing paths with their scopes takes about ten times as long. */
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

/** Whether reading an object at this place leaves it unchanged. */
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

/** Returns the variables that a node assigns. */
export function targetsOf(node: types.Node): string[] {
  if (node.type === 'AssignmentExpression') return targetNames(node.left)
  if (node.type === 'UpdateExpression') return targetNames(node.argument)
  const isLoop = node.type === 'ForOfStatement' || node.type === 'ForInStatement'
  return isLoop && node.left.type !== 'VariableDeclaration' ? targetNames(node.left) : []
}

/** Returns the names that a node declares. */
function declares(node: types.Node, t: Context['t']): string[] {
  const own = 'id' in node && node.id?.type === 'Identifier' ? [node.id.name] : []
  if (t.isFunction(node)) return [...own, ...node.params.flatMap(param => Object.keys(t.getBindingIdentifiers(param)))]
  if (node.type === 'VariableDeclarator') return targetNames(node.id)
  return node.type === 'CatchClause' ? targetNames(node.param ?? null) : own
}

/** Returns the variables that the left side of an assignment sets, also in patterns and inside TypeScript's `as` and `!`. */
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

/** Whether a node is a type. Names in types do not exist at run time. */
export const isType = (node: types.Node): boolean =>
  (node.type.startsWith('TS') && withoutTypes(node) === node && node.type !== 'TSInstantiationExpression') ||
  /Type(Annotation|Parameter\w*|Alias)$/.test(node.type)

/** Whether a node has a `this` of its own. */
const hasThis = (node: types.Node, t: Context['t']): boolean =>
  (t.isFunction(node) && node.type !== 'ArrowFunctionExpression') ||
  node.type === 'ClassProperty' ||
  node.type === 'ClassPrivateProperty' ||
  node.type === 'StaticBlock'
