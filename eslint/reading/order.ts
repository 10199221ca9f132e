import { bare, isFunction, isWithin, type Node, type NodeOf } from './nodes.ts'

/** A place in a list of statements, which run one after the other. */
export interface Position {
  readonly list: readonly Node[]
  readonly index: number
  /** What holds the list: a block, a `case`, the file. */
  readonly holder: Node
}

const certain = new Set([
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

/** Where an expression stands that runs whenever its statement does; undefined where it might not. */
export function positionOf(expression: Node): Position | undefined {
  for (let at = expression; at.parent; at = at.parent) {
    const position = inList(at)
    if (position) return position
    const { parent } = at
    if (!certain.has(parent.type)) return isTestOf(parent, at) ? inList(parent) : undefined
    if (parent.type === 'CallExpression' && parent.optional) return undefined
  }
  return undefined
}

/** `if (…)` and `switch (…)` look at their test whenever they are reached. */
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

/** Whether a statement runs whenever the function's body does, and is not left out by an earlier return. */
export function isUnconditional(expression: Node, body: Node): boolean {
  const position = positionOf(expression)
  if (!position) return false
  const { holder } = position
  if (holder.type !== 'BlockStatement') return false
  if (holder === body) return true
  return inList(holder) !== undefined && isUnconditional(holder, body)
}

/** The statement after `position` in its list that a node stands in. */
export function laterStatement(position: Position, node: Node): Node | undefined {
  return position.list.slice(position.index + 1).find(statement => isWithin(node, statement))
}

/** Whether an error that a node throws may be caught before it leaves `outer`. */
export function isGuarded(node: Node, outer: Node): boolean {
  for (let at = node; at !== outer && at.parent; at = at.parent) {
    const { parent } = at
    if (parent.type === 'TryStatement' && parent.handler && parent.block === at) return true
  }
  return false
}

/** A call that is awaited in its place: the statement ends when it has. */
export function awaitOf(call: Node): NodeOf<'AwaitExpression'> | undefined {
  let at = call.parent
  while (at && bare(at) !== at) at = at.parent
  return at?.type === 'AwaitExpression' ? at : undefined
}

/** The function whose body a node belongs to, if it is one of these. */
export function ownerAmong<F extends Node>(node: Node, functions: readonly F[]): F | undefined {
  for (let at = node.parent; at; at = at.parent) {
    if (functions.includes(at as F)) return at as F
    if (isFunction(at) || at.type === 'FunctionDeclaration') return undefined
  }
  return undefined
}
