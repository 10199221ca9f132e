import type { Context, NodePath, types } from './babel.ts'
import { needsCrawl } from './bindings.ts'
import { member } from './line-marks.ts'

/** The function whose await can stand here; undefined in functions that can't wait, in parameters and in class fields. */
export function waitingFunction(path: NodePath, block: types.Function): NodePath<types.Function> | undefined {
  const fn = functionAround(path)
  return fn && (fn.node === block || fn.node.async) ? fn : undefined
}

/**
 * The function around a condition, which can wait. A block of `invoke`, `iter` or `all` is made to, with no `async` from the user: it stands
 * in another block, which can wait for it.
 */
export function waitingForCondition(
  path: NodePath,
  block: types.Function,
  context: Context,
): NodePath<types.Function> | undefined {
  const fn = waitingFunction(path, block)
  if (fn) return fn
  const around = functionAround(path)
  if (!around || around.node.generator || !context.lateBlocks.has(around.node)) return undefined
  const call = context.lateBlocks.get(around.node)
  if (call) {
    const at = around.parentPath
    if (!at || !waitingForCondition(at, block, context)) return undefined
    context.awaited.add(call)
  }
  around.node.async = true
  return around
}

/** The function whose body this stands in; undefined in parameters and in class fields. */
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

/** A member's computed key and its decorators stand outside of it. */
const isOutside = (part: NodePath): boolean => part.key === 'key' || part.listKey === 'decorators'

/** What one call of this function runs in: a variable that is set where the function begins. */
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

/** An await after which what the function runs in is current again. */
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

/** `$.resume(here)`, for where no value is awaited by name: in clauses of `try`, in and after `for await`. */
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
