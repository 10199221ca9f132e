import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { member } from './marks.ts'

/** Where a condition can wait for a tensor's value: in async functions, but not in their parameters, nor in class fields. */
export function canAwait(path: NodePath, block: types.Function): boolean {
  let at: NodePath = path
  for (;;) {
    const parent = at.parentPath
    if (!parent) return false
    if (parent.isClassProperty() || parent.isClassPrivateProperty() || parent.isStaticBlock()) return at.key === 'key'
    if (parent.isFunction() && isWithin(at)) {
      if (at.listKey === 'params') return false
      return parent.node === block || parent.node.async === true
    }
    at = parent
  }
}

/** A method's computed key and its decorators stand outside of it. */
const isWithin = (part: NodePath): boolean => part.key !== 'key' && part.listKey !== 'decorators'

/** Where a temporary of this place is declared: a parameter's default can't see the variables of its function's body. */
export function temporary(path: NodePath, hint: string, { t }: Context): types.Identifier {
  let at: NodePath = path
  while (at.parentPath && !at.isProgram() && !at.isStaticBlock() && !(at.parentPath.isFunction() && at.key === 'body'))
    at = at.parentPath
  const { scope } = at.isProgram() || at.isStaticBlock() ? at : (at.parentPath ?? at)
  const id = scope.generateUidIdentifier(hint)
  scope.push({ id: t.cloneNode(id) })
  return id
}

/** Expressions that are never a tensor. */
export function isPlain(test: types.Node): boolean {
  const node = withoutTypes(test)
  switch (node.type) {
    case 'BooleanLiteral':
    case 'NumericLiteral':
    case 'StringLiteral':
    case 'NullLiteral':
    case 'BigIntLiteral':
    case 'RegExpLiteral':
    case 'TemplateLiteral':
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
    case 'ClassExpression':
    case 'ObjectExpression':
    case 'ArrayExpression':
      return true
    case 'UnaryExpression':
      return (
        node.operator === '!' || node.operator === 'typeof' || node.operator === 'void' || node.operator === 'delete'
      )
    case 'BinaryExpression':
      return node.operator === 'in' || node.operator === 'instanceof' || /^[=!]==?$/.test(node.operator)
    default:
      return false
  }
}

/** A condition whose tensor, if it is one, is forced. `value` is the identifier that holds the value itself. */
export function condition(
  path: NodePath,
  test: types.Expression,
  block: types.Function,
  context: Context,
  $: types.Identifier,
): { test: types.Expression; value: types.Expression } {
  const { t } = context
  const held = temporary(path, 'c', context)
  const isTensor = t.callExpression(member($, 'isTensor', t), [t.assignmentExpression('=', t.cloneNode(held), test)])
  const forced = canAwait(path, block)
    ? awaiting(t.callExpression(member($, 'truth', t), [t.cloneNode(held)]), context, $)
    : t.callExpression(member($, 'truthSync', t), [t.cloneNode(held)])
  const forcedTest = t.conditionalExpression(isTensor, forced, t.cloneNode(held))
  context.expanded.add(forcedTest)
  context.forced.add(forcedTest)
  return { test: forcedTest, value: t.cloneNode(held) }
}

/** An await after which the tracer is current again. */
export function awaiting(argument: types.Expression, { t, expanded }: Context, $: types.Identifier): types.Expression {
  const wait = t.awaitExpression(t.callExpression(member($, 'suspend', t), [argument]))
  expanded.add(wait)
  return t.callExpression(member($, 'resume', t), [wait])
}
