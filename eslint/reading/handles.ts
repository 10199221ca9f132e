import { newTensorMethods, severalMethods, tensorMethods, valueMembers } from './known-names.ts'
import type { Names } from './macro-names.ts'
import { bare, isWrapper, memberName, type Node, type NodeOf } from './nodes.ts'
import type { Values } from './values.ts'

/** What tells of a handle, and does not give it away. */
const facts = new Set(['type', 'dims', 'rank', 'size'])

/**
 * Whether a use of a handle in a block leaves it as it is: nothing that is saved or returned there can be the same handle. Where that is
 * not sure, it is not.
 */
export function isHarmlessInside(use: Node, values: Values, names: Names): boolean {
  for (let at = use; at.parent; at = at.parent) {
    const { parent } = at
    switch (parent.type) {
      case 'ExpressionStatement':
      case 'BinaryExpression':
      case 'UnaryExpression':
      case 'IfStatement':
        return true
      case 'MemberExpression':
        if (parent.object !== at) return false
        if (facts.has(memberName(parent) ?? '')) return true
        break
      case 'AssignmentExpression':
        return parent.right === at && isPlace(parent.left, values)
      case 'CallExpression': {
        const effect = effectOf(parent as Node & NodeOf<'CallExpression'>, at, values, names)
        if (effect !== 'same') return effect === 'new'
        break
      }
      default:
        if (!isWrapper(parent)) return false
    }
  }
  return false
}

function isPlace(target: unknown, values: Values): boolean {
  const node = bare(target)
  return node.type === 'MemberExpression' && values.tensor(node) !== undefined
}

/** What a call makes of the handle that goes into it at `at`: something of its own, maybe the same handle, or who knows. */
function effectOf(
  call: NodeOf<'CallExpression'> & Node,
  at: Node,
  values: Values,
  names: Names,
): 'new' | 'same' | 'unknown' {
  const macro = names.macro(call.callee)
  if (macro === 'print' || macro === 'assert') return 'new'
  const callee = bare(call.callee)
  if (callee.type === 'MemberExpression') {
    const name = memberName(callee) ?? ''
    const isTensor = call.callee === at || values.tensor(callee.object) !== undefined
    if (isTensor && (newTensorMethods.has(name) || valueMembers.has(name) || name === 'set')) return 'new'
    if (isTensor && (tensorMethods.has(name) || severalMethods.has(name))) return 'same'
  }
  return call.callee !== at && values.of(callee)?.kind === 'module' ? 'new' : 'unknown'
}
