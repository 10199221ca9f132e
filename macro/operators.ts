import { operatorNames as sharedNames } from '../language/operators.ts'
import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { needsCrawl } from './bindings.ts'
import { condition, temporary } from './conditions.ts'
import { member } from './line-marks.ts'

/** The runtime's function for each operator that works on tensors. */
export const operatorNames: Readonly<Record<string, string>> = {
  ...sharedNames,
  '===': 'eq',
  '!==': 'ne',
  '==': 'looseEq',
  '!=': 'looseNe',
}

/** The operators that compare two values for equality. */
export const equalities: ReadonlySet<string> = new Set(['===', '!==', '==', '!='])

/** Rewrites an assignment such as `a.b += c`. The parts of the target are evaluated once, in JavaScript's order. */
export function rewriteAssignment(
  path: NodePath<types.AssignmentExpression>,
  block: types.Function,
  blockContext: types.Identifier,
  context: Context,
): void {
  const { t } = context
  const { operator, left, right } = path.node
  const name = operatorNames[operator.slice(0, -1)]
  const isLogical = operator === '&&=' || operator === '||='
  if (operator === '=' || (!name && !isLogical)) return
  needsCrawl(path, context)
  const before: types.Expression[] = []
  const target = stableTarget(path, left as types.LVal, before, context)
  if (!target) return
  const read = t.cloneNode(target) as types.Expression
  let result: types.Expression
  if (isLogical) {
    const { test, value } = condition(path, read, block, context, blockContext)
    const assign = t.assignmentExpression('=', target as types.LVal, right)
    result =
      operator === '&&=' ? t.conditionalExpression(test, assign, value) : t.conditionalExpression(test, value, assign)
  } else {
    result = t.assignmentExpression(
      '=',
      target as types.LVal,
      t.callExpression(member(blockContext, name, t), [read, right]),
    )
  }
  context.expanded.add(result)
  result.loc = path.node.loc ?? null
  path.replaceWith(before.length > 0 ? t.sequenceExpression([...before, result]) : result)
  path.skip()
}

/**
 * Returns the target with its object and key held in variables, so that it can be evaluated twice; undefined if it is no variable or
 * member.
 */
function stableTarget(
  path: NodePath,
  left: types.Node,
  before: types.Expression[],
  context: Context,
): types.Node | undefined {
  const { t } = context
  const node = withoutTypes(left)
  if (t.isIdentifier(node)) return node
  if (!t.isMemberExpression(node)) return undefined
  const isStable = (value: types.Node): boolean =>
    t.isIdentifier(value) || t.isThisExpression(value) || t.isSuper(value) || t.isLiteral(value)
  const hold = (value: types.Expression, hint: string): types.Expression => {
    const id = temporary(path, hint, context)
    before.push(t.assignmentExpression('=', t.cloneNode(id), value))
    return id
  }
  const key = node.property as types.Expression
  const holdsKey = node.computed && !isStable(key)
  // An identifier is held too if the key is: JavaScript reads the object before it evaluates the key.
  const object =
    isStable(node.object) && !(holdsKey && t.isIdentifier(node.object))
      ? node.object
      : hold(node.object as types.Expression, 'o')
  return t.memberExpression(object, holdsKey ? hold(key, 'k') : key, node.computed)
}
