import { PREDICATE_METHODS } from '../language/predicate-methods.ts'
import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { noteMoved } from './bindings.ts'
import { condition, forcedValue, isPlain } from './conditions.ts'
import { member } from './line-marks.ts'

/*
 * JavaScript turns a value into a truth value, a key or a number in places that have no operator. It would accept a tensor there, with a wrong
 * result: a tensor is an object, so it is true, its key is its text, and no case of a switch equals it. These functions put calls of the
 * runtime into such places, which use the tensor's value or throw.
 */

/** What the functions of this file need to know of the block that they rewrite. */
export interface BlockRewriting {
  readonly block: types.Function
  readonly blockContext: types.Identifier
  readonly context: Context
}

/** Replaces a tensor in `switch (h)` and in `case h > 0` by its value, since a switch compares with `===`. */
export function rewriteSwitch(
  path: NodePath<types.SwitchStatement>,
  { block, blockContext, context }: BlockRewriting,
): void {
  const parts = [path.get('discriminant'), ...path.get('cases').map(clause => clause.get('test'))]
  for (const part of parts as NodePath<types.Expression | null>[])
    if (part.node && !isPlain(part.node) && !context.forcedTests.has(part.node))
      part.replaceWith(forcedValue(part as NodePath, part.node, block, context, blockContext))
}

/** Rewrites `Boolean(h)`, `new Array(h)`, and callbacks whose result a method takes for a truth. */
export function rewriteCall(
  path: NodePath<types.CallExpression | types.NewExpression>,
  rewriting: BlockRewriting,
): void {
  const { callee, arguments: args } = path.node
  const { block, blockContext, context } = rewriting
  const { t } = context
  const [first] = args
  if (isGlobal(callee, 'Boolean', path) && path.isCallExpression() && isExpression(first)) {
    if (isPlain(first) || context.forcedTests.has(first)) return
    path.get('arguments')[0].replaceWith(condition(path, first, block, context, blockContext).test)
    return
  }
  if (
    isGlobal(callee, 'Array', path) &&
    args.length === 1 &&
    isExpression(first) &&
    !isPlain(first) &&
    !wrapped.has(first)
  )
    wrapArgument(path, 0, call('length', rewriting, first), context)
  const name = methodName(callee)
  for (const [i, argument] of args.entries()) {
    if (!isExpression(argument) || wrapped.has(argument)) continue
    const isPredicate = name !== undefined && PREDICATE_METHODS.has(name) && i === 0
    const isGroup = name === 'groupBy' && i === 1 && isFunctionLike(argument)
    const isBooleanItself = isGlobal(argument, 'Boolean', path)
    if ((isPredicate && isFunctionLike(argument)) || isGroup || isBooleanItself)
      wrapArgument(path, i, call('checkedCallback', rewriting, argument, t.stringLiteral(name ?? 'Boolean')), context)
  }
}

function wrapArgument(
  path: NodePath<types.CallExpression | types.NewExpression>,
  index: number,
  wrapper: types.CallExpression,
  context: Context,
): void {
  path.node.arguments[index] = wrapper
  noteMoved(path.get(`arguments.${index}.arguments.0`) as NodePath, context)
}

/** Rewrites the keys in `list[h]`, `{ [h]: 1 }` and `h in x`, where JavaScript would take the tensor's text. */
export function rewriteKey(key: NodePath, rewriting: BlockRewriting): void {
  const node = key.node as types.Expression
  const bare = withoutTypes(node)
  const { t } = rewriting.context
  if (t.isPrivateName(node) || isPlain(bare) || wrapped.has(node)) return
  if (t.isMemberExpression(bare) && t.isIdentifier(bare.object, { name: 'Symbol' })) return
  key.replaceWith(call('key', rewriting, node))
  noteMoved(key.get('arguments.0') as NodePath, rewriting.context)
  key.skip()
}

/** Calls that this file made. Babel visits them again when something around them is replaced, and they must not be wrapped twice. */
const wrapped = new WeakSet<object>()

function call(
  name: string,
  { blockContext, context }: BlockRewriting,
  ...args: types.Expression[]
): types.CallExpression {
  const result = context.t.callExpression(member(blockContext, name, context.t), args)
  wrapped.add(result)
  return result
}

const isExpression = (node: types.Node | undefined): node is types.Expression =>
  node !== undefined && node.type !== 'SpreadElement' && node.type !== 'ArgumentPlaceholder'

/** Whether the expression may give a function when the program runs. */
const isFunctionLike = (node: types.Node): boolean =>
  !isPlain(node) || /^(Arrow)?FunctionExpression$/.test(withoutTypes(node).type)

function isGlobal(node: types.Node, name: string, path: NodePath): boolean {
  const bare = withoutTypes(node)
  return bare.type === 'Identifier' && bare.name === name && !path.scope.hasBinding(name, true)
}

function methodName(callee: types.Node): string | undefined {
  const bare = withoutTypes(callee)
  const isMember = bare.type === 'MemberExpression' || bare.type === 'OptionalMemberExpression'
  return isMember && !bare.computed && bare.property.type === 'Identifier' ? bare.property.name : undefined
}
