import type { Context, NodePath, types } from './babel.ts'
import { needsCrawl } from './bindings.ts'
import { member } from './line-marks.ts'

/**
 * Returns the function in which an await at this place belongs; undefined in functions that can't wait, in parameters and in class fields.
 */
export function waitingFunction(path: NodePath, block: types.Function): NodePath<types.Function> | undefined {
  const fn = functionAround(path)
  return fn && (fn.node === block || fn.node.async) ? fn : undefined
}

/**
 * Returns the function around a condition, if it can wait. A block of `invoke`, `iter` or `all` is made async here without the user's
 * `async`, because the block around it can wait for it.
 */
export function waitingForCondition(
  path: NodePath,
  block: types.Function,
  context: Context,
): NodePath<types.Function> | undefined {
  const fn = waitingFunction(path, block)
  if (fn) return fn
  const outerFunction = functionAround(path)
  if (!outerFunction || outerFunction.node.generator || !context.lateBlocks.has(outerFunction.node)) return undefined
  const call = context.lateBlocks.get(outerFunction.node)
  if (call) {
    const at = outerFunction.parentPath
    if (!at || !waitingForCondition(at, block, context)) return undefined
    context.awaited.add(call)
  }
  outerFunction.node.async = true
  return outerFunction
}

/** Returns the function whose body this path is in; undefined in parameters and in class fields. */
function functionAround(path: NodePath): NodePath<types.Function> | undefined {
  let at: NodePath = path
  while (at.parentPath) {
    const parent = at.parentPath
    if (parent.isClassProperty() || parent.isClassPrivateProperty() || parent.isStaticBlock()) {
      if (!isOutside(at)) return undefined
    } else if (parent.isFunction() && !isOutside(at))
      return at.listKey === 'params' ? undefined : (parent as NodePath<types.Function>)
    at = parent
  }
  return undefined
}

/** A computed key and decorators are evaluated outside of the member that they belong to. */
const isOutside = (part: NodePath): boolean => part.key === 'key' || part.listKey === 'decorators'

/**
 * Returns the variable that holds the scope of one call of this function: the trace and the session that it runs in. The variable is set
 * where the function begins.
 */
export function callScopeOf(
  fn: NodePath<types.Function>,
  context: Context,
  blockContext: types.Identifier,
): types.Identifier {
  const { t, callScopes } = context
  let id = callScopes.get(fn.node)
  if (!id) {
    needsCrawl(fn, context)
    id = fn.scope.generateUidIdentifier('scope')
    callScopes.set(fn.node, id)
    fn.scope.push({ id: t.cloneNode(id), init: t.callExpression(member(blockContext, 'scope', t), []) })
  }
  return t.cloneNode(id)
}

/** Builds an await after which the function's trace and session are current again. */
export function awaiting(
  argument: types.Expression,
  fn: NodePath<types.Function>,
  context: Context,
  blockContext: types.Identifier,
): types.Expression {
  const { t, expanded } = context
  const scope = () => callScopeOf(fn, context, blockContext)
  const wait = t.awaitExpression(t.callExpression(member(blockContext, 'suspend', t), [scope(), argument]))
  expanded.add(wait)
  return t.callExpression(member(blockContext, 'resume', t), [scope(), wait])
}

/** Builds `_block.resume(scope)`, for places where no value is awaited by name: in clauses of `try`, and in and after `for await`. */
export function resuming(
  fn: NodePath<types.Function>,
  context: Context,
  blockContext: types.Identifier,
): types.Statement {
  const { t } = context
  return t.expressionStatement(
    t.callExpression(member(blockContext, 'resume', t), [callScopeOf(fn, context, blockContext)]),
  )
}
