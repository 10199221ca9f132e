import { type Context, type NodePath, type types, withoutTypes } from './babel.ts'
import { noteMoved } from './bindings.ts'
import { condition, forcedValue, isPlain } from './conditions.ts'
import { member } from './marks.ts'

/*
 * Where JavaScript asks a value for a truth, a key or a number without an operator. A tensor would answer each in silence: as an object it
 * is true, its key is its text, and no case of a switch is equal to it.
 */

/** Methods of arrays and iterators that take what their callback gives for a truth. */
const ASKING = new Set(['filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'some', 'every'])

export interface Asked {
  readonly block: types.Function
  readonly $: types.Identifier
  readonly context: Context
}

/** `switch (h)` compares the value of `h`, and `case h > 0` gives one. */
export function rewriteSwitch(path: NodePath<types.SwitchStatement>, { block, $, context }: Asked): void {
  const parts = [path.get('discriminant'), ...path.get('cases').map(clause => clause.get('test'))]
  for (const part of parts as NodePath<types.Expression | null>[])
    if (part.node && !isPlain(part.node) && !context.forced.has(part.node))
      part.replaceWith(forcedValue(part as NodePath, part.node, block, context, $))
}

/** `Boolean(h)`, `new Array(h)`, and callbacks whose result is asked for its truth. */
export function rewriteCall(path: NodePath<types.CallExpression | types.NewExpression>, asked: Asked): void {
  const { callee, arguments: args } = path.node
  const { block, $, context } = asked
  const { t } = context
  const [first] = args
  if (isGlobal(callee, 'Boolean', path) && path.isCallExpression() && isExpression(first)) {
    if (isPlain(first) || context.forced.has(first)) return
    path.get('arguments')[0].replaceWith(condition(path, first, block, context, $).test)
    return
  }
  if (
    isGlobal(callee, 'Array', path) &&
    args.length === 1 &&
    isExpression(first) &&
    !isPlain(first) &&
    !wrapped.has(first)
  )
    wrapArgument(path, 0, call('length', asked, first), context)
  const name = methodName(callee)
  for (const [i, argument] of args.entries()) {
    if (!isExpression(argument) || wrapped.has(argument)) continue
    const isVerdict = name !== undefined && ASKING.has(name) && i === 0
    const isGroup = name === 'groupBy' && i === 1 && isFunctionLike(argument)
    const isTruth = isGlobal(argument, 'Boolean', path)
    if ((isVerdict && isFunctionLike(argument)) || isGroup || isTruth)
      wrapArgument(path, i, call('asked', asked, argument, t.stringLiteral(name ?? 'Boolean')), context)
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

/** `list[h]`, `{ [h]: 1 }`, `h in x`: a key is asked for, and of a tensor it would be its text. */
export function rewriteKey(key: NodePath, asked: Asked): void {
  const node = key.node as types.Expression
  const bare = withoutTypes(node)
  const { t } = asked.context
  if (t.isPrivateName(node) || isPlain(bare) || wrapped.has(node)) return
  if (t.isMemberExpression(bare) && t.isIdentifier(bare.object, { name: 'Symbol' })) return
  key.replaceWith(call('key', asked, node))
  noteMoved(key.get('arguments.0') as NodePath, asked.context)
  key.skip()
}

/** What stands in a call of the runtime already: Babel visits a node anew where something around it was replaced. */
const wrapped = new WeakSet<object>()

function call(name: string, { $, context }: Asked, ...args: types.Expression[]): types.CallExpression {
  const made = context.t.callExpression(member($, name, context.t), args)
  wrapped.add(made)
  return made
}

const isExpression = (node: types.Node | undefined): node is types.Expression =>
  node !== undefined && node.type !== 'SpreadElement' && node.type !== 'ArgumentPlaceholder'

/** Not a literal: what it names may be a function. */
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
