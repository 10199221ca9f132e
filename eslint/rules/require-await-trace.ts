import type { Rule } from 'eslint'
import { type Names, namesOf } from '../reading/macro-names.ts'
import { bare, memberName, type Node, type NodeOf, variableOf } from '../reading/nodes.ts'

/** Forms that give a promise. In a traced block the macro awaits `print` and `assert` itself, and an invoke is waited for. */
const promised = new Set(['trace', 'session', 'scan'])

export const requireAwaitTrace: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'require that the promise of a trace is awaited or passed on', recommended: true },
    schema: [],
    messages: {
      dropped:
        'Nobody waits for this {{name}}: it runs later, its errors are lost, and the variables that it assigns are not set yet. Await it.',
    },
  },
  create(context) {
    const source = context.sourceCode
    const names = namesOf(source)
    const check = (node: Node, callee: Node): void => {
      const name = formOf(callee, names, identifier => variableOf(identifier, source))
      if (name && isDropped(node)) context.report({ node, messageId: 'dropped', data: { name } })
    }
    return {
      CallExpression(call) {
        if ((call as Node).parent.type === 'TaggedTemplateExpression') return
        check(call as Node, bare(call.callee))
      },
      // trace(model, inputs)`…`
      TaggedTemplateExpression(tagged) {
        const tag = bare(tagged.tag)
        if (tag.type === 'CallExpression') check(tagged as Node, bare(tag.callee))
      },
    }
  },
}

function formOf(
  callee: Node,
  names: Names,
  find: (identifier: NodeOf<'Identifier'>) => ReturnType<typeof variableOf>,
): string | undefined {
  const macro = names.macro(callee)
  if (macro !== undefined) return promised.has(macro) ? macro : undefined
  if (callee.type !== 'MemberExpression') return undefined
  const model = bare(callee.object)
  const variable = model.type === 'Identifier' ? find(model as NodeOf<'Identifier'>) : undefined
  const name = memberName(callee) ?? ''
  return variable && names.isLoaded(variable) && promised.has(name) ? name : undefined
}

/** Whether nothing becomes of an expression's value. `void` says that this is meant. */
function isDropped(node: Node): boolean {
  const { parent } = node
  switch (parent.type) {
    case 'ExpressionStatement':
      return true
    case 'ConditionalExpression':
      return parent.test !== node && isDropped(parent as Node)
    case 'LogicalExpression':
      return parent.right === node && isDropped(parent as Node)
    case 'SequenceExpression':
      return parent.expressions.at(-1) !== node || isDropped(parent as Node)
    default:
      return bare(parent) !== parent && isDropped(parent as Node)
  }
}
