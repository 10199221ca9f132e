import type { Rule } from 'eslint'
import { type ImportedNames, namesOf } from '../reading/imported-names.ts'
import { memberName, type Node, type NodeOf, unwrap, variableOf } from '../reading/nodes.ts'

/** Functions that return a promise. `print`, `assert` and `invoke` are not listed: the macro or the trace waits for them. */
const returnsPromise = new Set(['trace', 'session', 'scan'])

export const requireAwaitTrace: Rule.RuleModule = {
  meta: {
    type: 'problem',
    docs: { description: 'require that the promise of a trace is awaited or passed on', recommended: true },
    schema: [],
    messages: {
      dropped:
        'Nothing waits for this {{name}}: it runs later, its errors are lost, and the variables that it assigns are not set yet. Await it.',
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
        check(call as Node, unwrap(call.callee))
      },
      // trace(model, inputs)`…`
      TaggedTemplateExpression(tagged) {
        const tag = unwrap(tagged.tag)
        if (tag.type === 'CallExpression') check(tagged as Node, unwrap(tag.callee))
      },
    }
  },
}

function formOf(
  callee: Node,
  names: ImportedNames,
  find: (identifier: NodeOf<'Identifier'>) => ReturnType<typeof variableOf>,
): string | undefined {
  const macro = names.macro(callee)
  if (macro !== undefined) return returnsPromise.has(macro) ? macro : undefined
  if (callee.type !== 'MemberExpression') return undefined
  const model = unwrap(callee.object)
  const variable = model.type === 'Identifier' ? find(model as NodeOf<'Identifier'>) : undefined
  const name = memberName(callee) ?? ''
  return variable && names.isLoaded(variable) && returnsPromise.has(name) ? name : undefined
}

/** Whether an expression's value is dropped. `void` says that this is intended. */
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
      return unwrap(parent) !== parent && isDropped(parent as Node)
  }
}
