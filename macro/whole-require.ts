import type { NodePath, types } from './babel.ts'

/**
 * TypeScript compiles an import of the macro for CommonJS to `const macro_1 = require('onnsight/trace.macro')` and `(0, macro_1.trace)(…)`. This
 * rewrites such a declarator to `const { trace } = require(…)`, and the uses to `trace(…)`. If the variable is also used in another way, the
 * function changes nothing and returns false.
 */
export function destructureRequire(declarator: NodePath<types.VariableDeclarator>): boolean {
  const { id } = declarator.node
  if (id.type !== 'Identifier') return false
  const uses = (declarator.scope.getBinding(id.name)?.referencePaths ?? []) as NodePath[]
  const names = uses.map(nameOfMember)
  if (names.includes(undefined)) return false
  const locals = new Map<string, string>()
  for (const [i, name] of (names as string[]).entries()) {
    const local = locals.get(name) ?? declarator.scope.generateUid(name)
    locals.set(name, local)
    const member = uses[i].parentPath as NodePath
    const parent = member.parentPath as NodePath
    const isCallee = parent.node.type === 'SequenceExpression' && parent.node.expressions.length === 2
    ;(isCallee ? parent : member).replaceWith(identifier(local))
  }
  declarator.node.id = {
    type: 'ObjectPattern',
    properties: [...locals].map(([name, local]) => ({
      type: 'ObjectProperty',
      key: identifier(name),
      value: identifier(local),
      computed: false,
      shorthand: false,
    })),
  } as types.ObjectPattern
  declarator.scope.getProgramParent().crawl()
  return true
}

const identifier = (name: string): types.Identifier => ({ type: 'Identifier', name }) as types.Identifier

/** The name after the dot, if the use is a member such as `macro_1.trace`. */
function nameOfMember(use: NodePath): string | undefined {
  const { parent } = use
  if (parent.type !== 'MemberExpression' || parent.object !== use.node || parent.computed) return undefined
  return parent.property.type === 'Identifier' ? parent.property.name : undefined
}
