import type { Context, NodePath, t, types } from './babel.ts'
import { needsCrawl } from './bindings.ts'

/** Statements that run nothing themselves. */
const silent = new Set([
  'FunctionDeclaration',
  'EmptyStatement',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  'TSDeclareFunction',
])

/** Returns the statements with a mark before each one, which notes its line. */
export function withMarks(statements: readonly types.Statement[], context: types.Identifier, t: t): types.Statement[] {
  return statements.flatMap(statement => {
    if (silent.has(statement.type) || !statement.loc) return [statement]
    return [markAt(statement, context, t), statement]
  })
}

export function markAt(node: types.Node, context: types.Identifier, t: t): types.Statement {
  const { line, column } = node.loc?.start ?? { line: 0, column: 0 }
  const call = t.callExpression(member(context, 'at', t), [t.numericLiteral(line), t.numericLiteral(column + 1)])
  const mark = t.expressionStatement(call)
  mark.loc = node.loc ?? null
  return mark
}

export function member(object: types.Expression, name: string, t: t): types.MemberExpression {
  return t.memberExpression(t.cloneNode(object), t.identifier(name))
}

/** Turns a single statement under an `if` or a loop into a block, so that a mark can stand before it. */
export function blockify(path: NodePath, key: 'consequent' | 'alternate' | 'body', context: Context): void {
  const child = path.get(key) as NodePath
  if (!child.node || child.isBlockStatement() || !child.isStatement()) return
  needsCrawl(path, context)
  const block = context.t.blockStatement([child.node])
  block.loc = child.node.loc ?? null
  child.replaceWith(block)
}
