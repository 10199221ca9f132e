import { isFunction, isWithin, type Node, type NodeOf, unwrap } from './nodes.ts'

/** A place in a list of statements, which run one after the other. */
export interface Position {
  readonly list: readonly Node[]
  readonly index: number
  /** The node that has the list: a block, a `case`, the file. */
  readonly holder: Node
}

/** Nodes that always evaluate their child expressions. */
const alwaysEvaluating = new Set([
  ...['ExpressionStatement', 'VariableDeclaration', 'VariableDeclarator', 'AssignmentExpression', 'MemberExpression'],
  ...['CallExpression', 'AwaitExpression', 'ArrayExpression', 'ObjectExpression', 'Property', 'SpreadElement'],
  ...[
    'UnaryExpression',
    'BinaryExpression',
    'TemplateLiteral',
    'ReturnStatement',
    'NewExpression',
    'SequenceExpression',
  ],
  ...['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion', 'ExportNamedDeclaration'],
])

/** The position of an expression's statement; undefined if the statement may run without evaluating the expression. */
export function positionOf(expression: Node): Position | undefined {
  for (let at = expression; at.parent; at = at.parent) {
    const position = inList(at)
    if (position) return position
    const { parent } = at
    if (!alwaysEvaluating.has(parent.type)) return isTestOf(parent, at) ? inList(parent) : undefined
    if (parent.type === 'CallExpression' && parent.optional) return undefined
  }
  return undefined
}

/** Whether the child is the test of an `if` or `switch`, which is always evaluated. */
function isTestOf(statement: Node, child: Node): boolean {
  if (statement.type === 'IfStatement') return statement.test === child
  return statement.type === 'SwitchStatement' && statement.discriminant === child
}

export function inList(node: Node): Position | undefined {
  const holder = node.parent
  const list = listOf(holder)
  const index = list ? list.indexOf(node) : -1
  return list && index >= 0 ? { list, index, holder } : undefined
}

function listOf(holder: Node | null): readonly Node[] | undefined {
  switch (holder?.type) {
    case 'Program':
    case 'BlockStatement':
    case 'StaticBlock':
      return holder.body as Node[]
    case 'SwitchCase':
      return holder.consequent as Node[]
    default:
      return undefined
  }
}

/** Whether an expression is evaluated whenever the function's body runs to its end. */
export function isUnconditional(expression: Node, body: Node): boolean {
  const position = positionOf(expression)
  if (!position) return false
  const { holder } = position
  if (holder.type !== 'BlockStatement') return false
  if (holder === body) return true
  return inList(holder) !== undefined && isUnconditional(holder, body)
}

/** The statement that contains a node, if it comes after `position` in the same list. */
export function laterStatement(position: Position, node: Node): Node | undefined {
  return position.list.slice(position.index + 1).find(statement => isWithin(node, statement))
}

/** Whether a `catch` inside `outer` may catch an error that a node throws. */
export function isGuarded(node: Node, outer: Node): boolean {
  for (let at = node; at !== outer && at.parent; at = at.parent) {
    const { parent } = at
    if (parent.type === 'TryStatement' && parent.handler && parent.block === at) return true
  }
  return false
}

/** The `await` of a call that is awaited directly; undefined if there is none. */
export function awaitOf(call: Node): NodeOf<'AwaitExpression'> | undefined {
  let at = call.parent
  while (at && unwrap(at) !== at) at = at.parent
  return at?.type === 'AwaitExpression' ? at : undefined
}

/** The function that a node belongs to, if it is one of `functions`. */
export function ownerAmong<F extends Node>(node: Node, functions: readonly F[]): F | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (functions.includes(at as F)) return at as F
    if (isFunction(at) || at.type === 'FunctionDeclaration') return undefined
  }
  return undefined
}
