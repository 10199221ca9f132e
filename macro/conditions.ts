import { awaiting, waitingForCondition } from './awaits.ts'
import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { needsCrawl } from './bindings.ts'
import { member } from './line-marks.ts'

/** Declares a temporary variable for this place. A parameter's default can't see the variables of its function's body. */
export function temporary(path: NodePath, hint: string, { t }: Context): types.Identifier {
  let at: NodePath = path
  while (at.parentPath && !at.isProgram() && !at.isStaticBlock() && !(at.parentPath.isFunction() && at.key === 'body'))
    at = at.parentPath
  const { scope } = at.isProgram() || at.isStaticBlock() ? at : (at.parentPath ?? at)
  const id = scope.generateUidIdentifier(hint)
  scope.push({ id: t.cloneNode(id) })
  return id
}

/** Whether an expression is never a tensor. */
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

/** Builds a condition that computes its value first, if that is a tensor. `value` is the identifier that holds the value itself. */
export function condition(
  path: NodePath,
  test: types.Expression,
  block: types.Function,
  context: Context,
  blockContext: types.Identifier,
): { test: types.Expression; value: types.Expression } {
  return forcedExpression('truth', path, test, block, context, blockContext)
}

/** Builds an expression that returns a tensor's only element, and any other value as it is. */
export function forcedValue(
  path: NodePath,
  value: types.Expression,
  block: types.Function,
  context: Context,
  blockContext: types.Identifier,
): types.Expression {
  return forcedExpression('scalar', path, value, block, context, blockContext).test
}

function forcedExpression(
  name: 'truth' | 'scalar',
  path: NodePath,
  test: types.Expression,
  block: types.Function,
  context: Context,
  blockContext: types.Identifier,
): { test: types.Expression; value: types.Expression } {
  const { t } = context
  needsCrawl(path, context)
  const holder = temporary(path, 'c', context)
  const isTensor = t.callExpression(member(blockContext, 'isTensor', t), [
    t.assignmentExpression('=', t.cloneNode(holder), test),
  ])
  const fn = waitingForCondition(path, block, context)
  const value = fn
    ? awaiting(t.callExpression(member(blockContext, name, t), [t.cloneNode(holder)]), fn, context, blockContext)
    : t.callExpression(member(blockContext, `${name}Sync`, t), [t.cloneNode(holder)])
  const forcedTest = t.conditionalExpression(isTensor, value, t.cloneNode(holder))
  context.expanded.add(forcedTest)
  context.forcedTests.add(forcedTest)
  return { test: forcedTest, value: t.cloneNode(holder) }
}
