import type { ImportedNames } from './imported-names.ts'
import { newTensorMethods, severalTensorMethods, tensorMethods, valueMembers } from './known-names.ts'
import { isWrapper, memberName, type Node, type NodeOf, unwrap } from './nodes.ts'
import type { Values } from './values.ts'

/** Properties that describe a tensor and do not return it. */
const metadata = new Set(['type', 'dims', 'rank', 'size'])

/**
 * Whether a use of a tensor in a block can't save or return that same tensor: the use reads a property of it, or computes a new tensor.
 * Returns false if this is not certain.
 */
export function returnsNoSameTensor(use: Node, values: Values, names: ImportedNames): boolean {
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
        if (metadata.has(memberName(parent) ?? '')) return true
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

/** Whether an assignment's target is a value of the model or a part of a tensor. */
function isPlace(target: unknown, values: Values): boolean {
  const node = unwrap(target)
  return node.type === 'MemberExpression' && values.tensor(node) !== undefined
}

/** What a call returns for the tensor `at`, which is its object or an argument: a new tensor, maybe the same one, or something unknown. */
function effectOf(
  call: NodeOf<'CallExpression'> & Node,
  at: Node,
  values: Values,
  names: ImportedNames,
): 'new' | 'same' | 'unknown' {
  const macro = names.macro(call.callee)
  if (macro === 'print' || macro === 'assert') return 'new'
  const callee = unwrap(call.callee)
  if (callee.type === 'MemberExpression') {
    const name = memberName(callee) ?? ''
    const isTensor = call.callee === at || values.tensor(callee.object) !== undefined
    if (isTensor && (newTensorMethods.has(name) || valueMembers.has(name) || name === 'set')) return 'new'
    if (isTensor && (tensorMethods.has(name) || severalTensorMethods.has(name))) return 'same'
  }
  return call.callee !== at && values.of(callee)?.kind === 'module' ? 'new' : 'unknown'
}
